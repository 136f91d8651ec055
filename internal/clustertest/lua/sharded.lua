-- One instance of a sharded cluster of two replica sets of two, with crud: a
-- storage s1a, s1b, s2a or s2b, or the router. BASE is the router's port.
dofile(os.getenv('SCRIPTS') .. '/parent.lua')
local fiber = require('fiber')
vshard = require('vshard')
crud = require('crud')

local base, name = tonumber(os.getenv('BASE')), os.getenv('NAME')
local buckets = tonumber(os.getenv('BUCKETS'))
local members = {
    {set = 1, name = 's1a', uuid = 'aaaaaaaa-0000-4000-8000-000000000011', port = base + 1, master = true},
    {set = 1, name = 's1b', uuid = 'aaaaaaaa-0000-4000-8000-000000000012', port = base + 2},
    {set = 2, name = 's2a', uuid = 'aaaaaaaa-0000-4000-8000-000000000021', port = base + 3, master = true},
    {set = 2, name = 's2b', uuid = 'aaaaaaaa-0000-4000-8000-000000000022', port = base + 4},
}
local set_uuids = {'bbbbbbbb-0000-4000-8000-000000000001', 'bbbbbbbb-0000-4000-8000-000000000002'}

-- The configuration with weights of the two replica sets.
local function config(weights, storage)
    local sharding = {}
    for i, uuid in ipairs(set_uuids) do
        sharding[uuid] = {replicas = {}, weight = weights[i]}
    end
    for _, m in ipairs(members) do
        sharding[set_uuids[m.set]].replicas[m.uuid] = {
            uri = ('storage:storage@127.0.0.1:%d'):format(m.port), name = m.name, master = m.master,
        }
    end
    local cfg = {sharding = sharding, bucket_count = buckets}
    if storage then
        cfg.rebalancer_disbalance_threshold, cfg.rebalancer_max_receiving = 1, 50
        cfg.replication_connect_quorum = 0
    end
    return cfg
end

local self
for _, m in ipairs(members) do if m.name == name then self = m end end

local function start_storage()
    local function cfg(weights)
        local c = config(weights, true)
        c.listen, c.memtx_memory = ('127.0.0.1:%d'):format(self.port), 64 * 1024 * 1024
        return c
    end
    vshard.storage.cfg(cfg({1, 1}), self.uuid)
    function reweigh(first, second) vshard.storage.cfg(cfg({first, second}), self.uuid) end
    if self.master then
        box.once('schema', function()
            box.schema.user.grant('guest', 'super', nil, nil, {if_not_exists = true})
            local s = box.schema.space.create('customers', {format = {
                {'id', 'unsigned'}, {'bucket_id', 'unsigned'}, {'name', 'string'}, {'age', 'number', is_nullable = true},
            }})
            s:create_index('pk', {parts = {'id'}})
            s:create_index('bucket_id', {parts = {'bucket_id'}, unique = false})
            s:create_index('age', {parts = {{'age', is_nullable = true}}, unique = false})
        end)
    end
    runs = 0
    function echo(...) runs = runs + 1 return ... end
    function fail_with(code) runs = runs + 1 box.error({code = code, reason = 'own words'}) end
    function add(bucket, id) return box.space.customers:insert({id, bucket, 'x'}) end
    function count() return box.space.customers:len() end
    crud.init_storage()
end

local function start_router()
    box.cfg({listen = ('127.0.0.1:%d'):format(base), wal_mode = 'none', memtx_memory = 32 * 1024 * 1024})
    vshard.router.cfg(config({1, 1}))
    crud.init_router()
    box.once('schema', function()
        box.schema.user.grant('guest', 'super', nil, nil, {if_not_exists = true})
    end)
    function hashes(keys)
        local found = {}
        for i, key in ipairs(keys) do
            found[i] = {vshard.router.bucket_id_strcrc32(key), vshard.router.bucket_id_mpcrc32(key)}
        end
        return found
    end
    for _ = 1, 400 do
        if vshard.router.bootstrap({if_not_bootstrapped = true}) then break end
        fiber.sleep(0.05)
    end
    for _ = 1, 400 do
        if vshard.router.info().bucket.available_rw == buckets then break end
        fiber.sleep(0.05)
    end
end

if self then start_storage() else start_router() end
io.stderr:write('READY\n')
