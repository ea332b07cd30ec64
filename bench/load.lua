-- Load for wrk, and its result as one line of JSON. Arguments behind `--`: method, Authorization (or
-- empty), body (or empty), and, instead of a body, `@file`: each line is the body of one request. A fourth one,
-- `close`: a connection for each request.

local bodies, next_body = {}, 0

function init(args)
  wrk.method = args[1]
  if args[2] ~= "" then wrk.headers["Authorization"] = args[2] end
  local body = args[3] or ""
  if args[4] == "close" then wrk.headers["Connection"] = "close" end
  if args[1] == "POST" then wrk.headers["Content-Type"] = "application/x-www-form-urlencoded" end
  if body:sub(1, 1) ~= "@" then
    if body ~= "" then wrk.body = body end
    return
  end
  for line in io.lines(body:sub(2)) do bodies[#bodies + 1] = line end
  -- Defined here only: without it wrk sends one prepared request, which costs it far less.
  function request()
    next_body = next_body + 1
    if next_body > #bodies then
      -- Never twice: what was sent before is warm. The bench must make more clients.
      io.stderr:write("the file of logins is used up\n")
      os.exit(3)
    end
    return wrk.format(nil, nil, nil, bodies[next_body])
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.3f,"bad_status":%d,"socket_errors":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
