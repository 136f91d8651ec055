-- Ends the instance when the process that started it has ended, however it did.
local ffi = require('ffi')
local fiber = require('fiber')
ffi.cdef('int getppid(void);')
local parent = ffi.C.getppid()
fiber.create(function()
    while ffi.C.getppid() == parent do fiber.sleep(0.5) end
    os.exit(0)
end)
