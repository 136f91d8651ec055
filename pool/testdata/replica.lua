-- One member of a replica set of three: arg[1] is the socket to listen on, arg[2] the log.
-- NUMBER: 1, 2 or 3. PEERS: the sockets of all, separated by commas. MODE: async (the
-- master is who is not read-only) or election (candidates, and a synchronous space).
-- TIMEOUT: replication_timeout in seconds.
local fiber = require('fiber')
fiber.create(function()
    while require('socket').iowait(0, 'R') do
        if io.stdin:read(1) == nil then os.exit(0) end
    end
end)
local n, mode = tonumber(os.getenv('NUMBER')), os.getenv('MODE')
local peers = {}
for path in os.getenv('PEERS'):gmatch('[^,]+') do table.insert(peers, 'replicator:secret@unix/:' .. path) end
local timeout = tonumber(os.getenv('TIMEOUT'))
local cfg = {
    listen = arg[1], log = arg[2], replication = peers, memtx_memory = 256 * 1024 * 1024,
    replication_timeout = timeout, replication_connect_timeout = 10,
    instance_uuid = ('00000000-0000-4000-8000-00000000000%d'):format(n),
    replicaset_uuid = '00000000-0000-4000-8000-0000000000ff',
}
local major, minor = _TARANTOOL:match('^(%d+)%.(%d+)')
if tonumber(major) > 2 or tonumber(minor) > 7 then cfg.memtx_use_mvcc_engine = true end
if mode == 'async' then
    cfg.read_only = n ~= 1
else
    cfg.election_mode = n == 1 and 'candidate' or 'voter'
    cfg.replication_synchro_quorum, cfg.election_timeout, cfg.replication_synchro_timeout = 2, 2 * timeout, 3
end
local ok, err = pcall(box.cfg, cfg)
if not ok then
    io.stdout:write('failed: ' .. tostring(err) .. '\n')
    os.exit(1)
end
if n == 1 and box.space.kv == nil then
    if mode ~= 'async' then box.ctl.wait_rw(10) end
    if not box.info.ro then
        box.once('kv', function()
            box.schema.user.create('replicator', {password = 'secret', if_not_exists = true})
            box.schema.user.grant('replicator', 'replication', nil, nil, {if_not_exists = true})
            box.schema.user.create('blind', {password = 'secret', if_not_exists = true})
            box.schema.user.grant('guest', 'super', nil, nil, {if_not_exists = true})
            local s = box.schema.space.create('kv', {is_sync = mode ~= 'async',
                format = {{'k', 'unsigned'}, {'v', 'any', is_nullable = true}}})
            s:create_index('pk', {parts = {{1, 'unsigned'}}})
            box.schema.user.grant('blind', 'read,write', 'space', 'kv')
        end)
    end
end
while box.space.kv == nil or box.space.kv.index[0] == nil do fiber.sleep(0.01) end
if mode ~= 'async' then box.cfg{election_mode = 'candidate'} end
io.stdout:write('ready\n')
io.stdout:flush()
