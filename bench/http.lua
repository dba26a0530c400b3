-- The request of bench/http, and its figures in the form of the other benches.
wrk.method = "POST"
wrk.body = os.getenv("BODY")
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")

function done(summary, latency, _)
    local e = summary.errors
    print(string.format("figures rate=%.0f p50_us=%.1f p99_us=%.1f p999_us=%.1f errors=%d",
        summary.requests / (summary.duration / 1e6), latency:percentile(50),
        latency:percentile(99), latency:percentile(99.9),
        e.status + e.connect + e.read + e.write + e.timeout))
end
