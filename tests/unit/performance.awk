# An independent calculation of what performance-analytics reports, straight from the CSV:
# Welford's one-pass deviation, drawdown from the end backwards, Julian day numbers.
# For daily bars:
#   awk -F, -v from=2003-01-01 -v to=2013-12-31 -v rf=0.02 -v per=252 \
#       -f tests/unit/performance.awk services/data-bridge/data/sp500-2000.csv
# For monthly prices, rewrite them first:
#   awk -F, -v s=AAPL 'BEGIN { split("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", n, " ")
#       for (i in n) m[n[i]] = i; print "" }
#       $1 == s { split($2, p, " "); printf "%d-%02d-%02d,,,,%s\n", p[3], m[p[1]], p[2], $3 }' \
#       services/data-bridge/data/stocks.csv | awk -F, … -v per=12 -f tests/unit/performance.awk
BEGIN { n = 0 }
function julian(d,  a, y, m) {
    split(d, p, "-")
    a = int((14 - p[2]) / 12); y = p[1] + 4800 - a; m = p[2] + 12 * a - 3
    return p[3] + int((153 * m + 2) / 5) + 365 * y + int(y / 4) - int(y / 100) + int(y / 400) - 32045
}
NR > 1 && $1 >= from && $1 <= to { d[n] = $1; c[n++] = $5 }
END {
    for (i = 1; i < n; i++) {           # Welford, one pass
        r = (c[i] - c[i - 1]) / c[i - 1]; k++
        delta = r - mean; mean += delta / k; m2 += delta * (r - mean)
    }
    sd = sqrt(m2 / (k - 1))
    low = c[n - 1]; lowat = n - 1; dd = 0   # backwards: the lowest close still to come
    for (i = n - 1; i >= 0; i--) {
        if (c[i] <= low) { low = c[i]; lowat = i }
        if ((c[i] - low) / c[i] >= dd) { dd = (c[i] - low) / c[i]; pk = i; tr = lowat }
    }
    rec = "none"
    for (i = n - 1; i > tr; i--) if (c[i] >= c[pk]) rec = d[i]
    years = (julian(d[n - 1]) - julian(d[0])) / 365.25
    printf "bars %d %s..%s\ntotal %.12f\nannual %.12f\nvol %.12f\nsharpe %.12f\ndd %.12f %s %s %s\n",
        n, d[0], d[n-1], c[n-1] / c[0] - 1, exp(log(c[n-1] / c[0]) / years) - 1, sd * sqrt(per),
        (mean * per - rf) / (sd * sqrt(per)), dd, d[pk], d[tr], rec
}
