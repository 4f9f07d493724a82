-- What ingress-nginx does in Lua for each request, in the same places: it chooses the upstream (which may be a
-- canary's) and the endpoint, and collects what its metrics are made of, to be encoded once a second. Left out, in
-- nginx's favour: following the endpoints, and sending the metrics to another process.
local ngx_balancer = require("ngx.balancer")
local cjson = require("cjson.safe")

local largest_batch = 10000

local M = {}
local upstreams = {}
local batch, collected = {}, 0

-- add makes an upstream of ports on loopback.
function M.add(name, ports, canary)
  upstreams[name] = { ports = ports, turn = 0, canary = canary }
end

local function answer_of(value)
  if value == "always" then return true end
  if value == "never" then return false end
end

-- chosen is the upstream of the request: its canary if a header or a cookie asks for it.
local function chosen()
  local upstream = upstreams[ngx.var.proxy_upstream_name]
  local canary = upstream.canary
  if not canary then return upstream end
  local wanted = answer_of(ngx.var["http_" .. canary.header])
  if wanted == nil then wanted = answer_of(ngx.var["cookie_" .. canary.cookie]) end
  return wanted and upstreams[canary.upstream] or upstream
end

function M.rewrite()
  ngx.ctx.upstream = chosen()
end

function M.balance()
  local upstream = ngx.ctx.upstream
  upstream.turn = upstream.turn % #upstream.ports + 1
  ngx_balancer.set_more_tries(1)
  local ok, fault = ngx_balancer.set_current_peer("127.0.0.1", upstream.ports[upstream.turn])
  if not ok then ngx.log(ngx.ERR, fault) end
end

function M.log()
  if collected >= largest_batch then return end
  collected = collected + 1
  batch[collected] = {
    host = ngx.var.host, path = ngx.var.location_path, upstream = ngx.var.proxy_upstream_name,
    method = ngx.var.request_method, status = ngx.var.status,
    requestLength = tonumber(ngx.var.request_length), requestTime = tonumber(ngx.var.request_time),
    responseLength = tonumber(ngx.var.bytes_sent), connectTime = tonumber(ngx.var.upstream_connect_time),
    headerTime = tonumber(ngx.var.upstream_header_time), responseTime = tonumber(ngx.var.upstream_response_time),
  }
end

function M.start()
  ngx.timer.every(1, function()
    local full = batch
    batch, collected = {}, 0
    cjson.encode(full)
  end)
end

return M
