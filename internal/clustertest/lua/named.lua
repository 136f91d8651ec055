-- The application of each instance of a cluster with a declarative
-- configuration: it tells when the instance is ready, and the router first
-- spreads the buckets.
dofile(os.getenv('SCRIPTS') .. '/parent.lua')
local fiber = require('fiber')
fiber.create(function()
    if os.getenv('NAME') ~= 'router' then
        while box.info.status ~= 'running' or require('config'):info().status ~= 'ready' do fiber.sleep(0.02) end
    else -- which is ready only when the buckets are there
        local vshard = require('vshard')
        for _ = 1, 400 do
            if vshard.router.bootstrap({if_not_bootstrapped = true}) then break end
            fiber.sleep(0.05)
        end
        for _ = 1, 400 do
            if vshard.router.info().bucket.available_rw == vshard.router.bucket_count() then break end
            fiber.sleep(0.05)
        end
    end
    io.stderr:write('READY\n')
end)
