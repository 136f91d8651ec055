// Package queuelua has the pieces of Lua that package queue runs on a server,
// where they and their fake find the same text.
package queuelua

// What the module's functions can't be called for: a tube that create_tube
// returns does not go over the network.
const (
	// Create makes a tube: name, kind, options.
	Create = `local name, kind, opts = ... local queue = rawget(_G, 'queue') or require('queue') queue.create_tube(name, kind, opts)`
	// Exists returns whether there is a tube of a name.
	Exists = `local name = ... local queue = rawget(_G, 'queue') or require('queue') return queue.tube[name] ~= nil`
	// Taken returns pairs of tube and number of the tasks that a session has
	// taken. The spaces are those of the module since its version 1.1.
	Taken = `local uuid, found = ..., {}
for _, t in box.space._queue_taken_2.index.uuid:pairs{uuid} do
	local tube = box.space._queue.index.tube_id:get{t[1]}
	if tube ~= nil then table.insert(found, {tube[1], t[2]}) end
end
return found`
)
