-- One instance with queue: alone, or one of two of a replica set (NAME q1, q2),
-- of which q1 begins as the master.
dofile(os.getenv('SCRIPTS') .. '/parent.lua')
local fiber = require('fiber')
queue = require('queue')
local base, name = tonumber(os.getenv('BASE')), os.getenv('NAME')
local number = tonumber(name:match('%d'))
local cfg = {listen = ('127.0.0.1:%d'):format(base + number), memtx_memory = 64 * 1024 * 1024}
if os.getenv('PAIR') then
    queue.cfg({ttr = 10, in_replicaset = true}) -- short: tests wait for sessions that a switch left behind
    cfg.replication = {}
    for i = 1, 2 do cfg.replication[i] = ('replicator:secret@127.0.0.1:%d'):format(base + i) end
    cfg.read_only = number ~= 1
    cfg.replicaset_uuid = 'cccccccc-0000-4000-8000-000000000000'
    cfg.instance_uuid = ('cccccccc-0000-4000-8000-00000000000%d'):format(number)
end
box.cfg(cfg)
if number == 1 then
    box.once('schema', function()
        box.schema.user.create('replicator', {password = 'secret', if_not_exists = true})
        box.schema.user.grant('replicator', 'replication', nil, nil, {if_not_exists = true})
        box.schema.user.grant('guest', 'super', nil, nil, {if_not_exists = true})
    end)
    if not os.getenv('PAIR') then queue.cfg({ttr = 60}) end
    while queue.state() ~= 'RUNNING' do fiber.sleep(0.01) end
end
io.stderr:write('READY\n')
