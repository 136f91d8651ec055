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
	// Strays returns pairs of number and UUID of the sessions whose connections are gone
	// and that the module thinks there: it makes one for a take that is at work when its
	// connection ends, whose task nobody can finish. Those it is given, as it returned
	// them before, it ends, and releases their tasks; the tubes' own release takes them for
	// another's.
	Strays = `local known, found = ..., {}
local ids, queue = box.space._queue_session_ids, rawget(_G, 'queue') or require('queue')
local function gone(uuid)
	for _, s in ids.index.uuid:pairs{uuid} do if box.session.exists(s[1]) then return false end end
	return true
end
local function finish(id, uuid)
	for _, t in pairs(box.space._queue_taken_2.index.uuid:select{uuid}) do
		local tube = box.space._queue.index.tube_id:get{t[1]}
		if tube ~= nil and queue.tube[tube[1]] ~= nil then pcall(queue.tube[tube[1]].raw.release, queue.tube[tube[1]].raw, t[2], {}) end
	end
	box.space._queue_shared_sessions:delete{uuid}
	ids:delete{id}
end
for _, s in pairs(ids:select()) do
	if gone(s[2]) then
		local before = false
		for _, k in pairs(known) do before = before or k[1] == s[1] and k[2] == s[2] end
		if before then finish(s[1], s[2]) else table.insert(found, {s[1], s[2]}) end
	end
end
return found`
)
