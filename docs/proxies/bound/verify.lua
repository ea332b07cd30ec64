-- The action `verify` for HAProxy: asks token-server's /verify about the request's token. What is good goes
-- on with the identity headers of the answer; else the answer itself goes to the caller.
-- The lines that end in "-- DPoP" or "-- certificate" are for bound tokens; without them this is ../verify.lua.

local TOKEN_SERVER = "abns@token-server" -- the `bind` of haproxy.cfg
local HANDED_ON = { "content-type", "cache-control", "www-authenticate", "retry-after", "x-request-id" }
table.insert(HANDED_ON, "dpop-nonce") -- DPoP
-- No word of the caller: who was lured into sending token and proof to another host would have them used here. -- DPoP
local HOST = "invoices.example.com" -- DPoP

-- Whether a header is of the kind that says who the caller is.
local function is_identity(name)
    return name:lower():gsub("_", "-"):find("^x%-token%-") ~= nil
end

-- Whatever the caller sent under these names, also with the underscores that some services take for hyphens.
local function remove_identity(http)
    for name in pairs(http:req_get_headers()) do
        if is_identity(name) then
            http:req_del_header(name)
        end
    end
end

-- HAProxy counts some values from 0 and some from 1.
local function values(headers, name)
    local list = {}
    for _, value in pairs(headers[name] or {}) do
        list[#list + 1] = value
    end
    return list
end

local function refuse(txn, answer)
    local reply = txn:reply()
    if answer.status >= 400 then
        reply:set_status(answer.status)
        for _, name in ipairs(HANDED_ON) do
            for _, value in ipairs(values(answer.headers, name)) do
                reply:add_header(name, value)
            end
        end
        reply:set_body(answer.body)
    else
        reply:set_status(503)
    end
    txn:done(reply)
end

core.register_action("verify", { "http-req" }, function(txn, requirements)
    remove_identity(txn.http)
    local sent = txn.http:req_get_headers()
    local answer = core.httpclient():get({
        url = "http://token-server/verify?" .. requirements,
        dst = TOKEN_SERVER,
        headers = {
            authorization = values(sent, "authorization"),
            -- The proof, and the request that it has to be of. -- DPoP
            dpop = values(sent, "dpop"), -- DPoP
            ["x-forwarded-method"] = { txn.sf:method() }, -- DPoP
            ["x-forwarded-proto"] = { "https" }, -- DPoP
            ["x-forwarded-host"] = { HOST }, -- DPoP
            ["x-forwarded-uri"] = { txn.sf:pathq() }, -- DPoP
            -- Without one it is `::`, which says so. -- certificate
            ["client-cert"] = { ":" .. txn.c:base64(txn.sf:ssl_c_der()) .. ":" }, -- certificate
        },
    })
    if answer.status ~= 200 then
        return refuse(txn, answer)
    end
    local identity, expected = {}, 0
    for name in pairs(answer.headers) do
        if is_identity(name) then
            for _, value in ipairs(values(answer.headers, name)) do
                txn.http:req_add_header(name, value)
                identity[name], expected = true, expected + 1
            end
        end
    end
    -- HAProxy does not say that a header found no room.
    local arrived, added = txn.http:req_get_headers(), 0
    for name in pairs(identity) do
        added = added + #values(arrived, name)
    end
    if added ~= expected then
        return refuse(txn, { status = 0 })
    end
    for _, nonce in ipairs(values(answer.headers, "dpop-nonce")) do -- DPoP
        txn:set_var("txn.dpop_nonce", nonce) -- DPoP
    end -- DPoP
    txn:set_var("txn.verified", true)
end, 1)
