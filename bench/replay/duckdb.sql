-- What stands in double braces is filled in by duckdb.go.
SET threads = {{.Threads}};
SET preserve_insertion_order = false;
SET TimeZone = 'UTC';

CREATE TEMP TABLE gaps AS
FROM read_csv('{{.Gaps}}', header = true, columns = {
    pair: 'INTEGER', principal: 'VARCHAR', feature: 'VARCHAR', gap_from: 'TIMESTAMPTZ_NS', gap_until: 'TIMESTAMPTZ_NS'});

-- A join on the two names, with the gap as a condition: not ASOF JOIN, which takes
-- five to seven times as long. Distinct counts are exact: the approximate ones are
-- no faster here.
COPY (
    SELECT g.pair, count(*) AS events, count(DISTINCT e.grantor) AS grantors, sum(e.records) AS records,
{{- if .Whole}}
        count(DISTINCT epoch_ns(e.time) // 86_400_000_000_000) AS days, count(DISTINCT e.subject) AS people, sum(e.bytes) AS bytes,
{{- end}}
        epoch_ns(min(e.time)) AS first, epoch_ns(max(e.time)) AS last
    FROM {{.Events}} e
    JOIN gaps g ON e.principal = g.principal AND e.feature = g.feature AND e.time >= g.gap_from AND e.time < g.gap_until
    WHERE e.outcome = 'served'
    GROUP BY g.pair
) TO '{{.Answer}}' (HEADER);
