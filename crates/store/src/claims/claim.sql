-- Judges each wanted message by what is committed now and moves it: to sending, or to an end. Notes whose guests got one.
-- A verdict other than claimed, outdated, held and not_now is the reason of the end.
WITH wanted AS (
    SELECT * FROM {rows}
), judged AS (
    SELECT m.id, m.due_at, w.token, w.template_name, w.number, w.country, w.template, b.phone_hash, w.day_cap,
        w.is_reminder, w.is_marketing, w.quiet_from, w.quiet_to, w.hold_out,
        h.key AS hold, h.scope, d.others, d.counted,
        -- What was tried once was in the other group; its guest may have it.
        w.is_held_out AND m.attempts = 0 AS held_out, CASE
        -- The first that applies is the verdict: what ends a message comes before what lets it wait.
        WHEN m.withdrawn_reason IS NOT NULL THEN m.withdrawn_reason
        WHEN m.expires_at <= clock_timestamp() THEN 'expired'
        -- As `MarketingConsent` in domain/src/guest.rs: the newest stop or start under any of the guest's names.
        WHEN w.is_marketing AND (
            SELECT max(s.opted_out_at) >= coalesce(max(s.opted_in_at), '-infinity') FROM (
                SELECT b.phone_hash AS hash UNION ALL SELECT k.hash FROM known_as k WHERE k.phone_hash = b.phone_hash) a
            CROSS JOIN LATERAL (
                SELECT g.opted_out_at, g.opted_in_at FROM guests g WHERE g.phone_hash = a.hash AND g.resort = b.resort
                UNION ALL
                SELECT n.opted_out_at, n.opted_in_at FROM number_wishes n
                WHERE n.hash = a.hash AND n.number = w.number) s) THEN 'opted_out'
        WHEN w.is_reminder AND b.stands THEN 'confirmed'
        WHEN b.version <> w.version THEN 'outdated'
        -- As `elsewhere` of the plan, for a reservation that was committed since the plan.
        WHEN w.is_reminder AND EXISTS (
            SELECT 1 FROM bookings e
            WHERE e.phone_hash = b.phone_hash AND e.resort = b.resort AND e.key <> b.key AND e.stands
              AND cart_is_superfluous(b.check_in, b.check_out, e.check_in, e.check_out, w.last_seen_on)
        ) THEN 'booked_elsewhere'
        WHEN m.due_at > clock_timestamp() OR w.not_after <= clock_timestamp() THEN 'not_now'
        -- While its template is held, the message may be sent by the fallback: it is prepared again.
        WHEN h.scope = 'template' THEN 'outdated'
        WHEN h.key IS NOT NULL THEN 'held'
        WHEN NOT w.may_call THEN 'not_now'
        -- The guest's limits come last: what waits for another reason may be within them when it goes.
        WHEN w.rest > 0 AND EXISTS (
            SELECT 1 FROM (
                SELECT b.phone_hash AS hash UNION ALL SELECT k.hash FROM known_as k WHERE k.phone_hash = b.phone_hash) a
            JOIN bookings e ON e.phone_hash = a.hash
            WHERE e.resort = b.resort AND e.confirmed_at > clock_timestamp() - make_interval(secs => w.rest)
        ) THEN 'capped'
        ELSE 'claimed'
    END AS verdict
    FROM wanted w
    JOIN messages m ON m.id = w.id
    JOIN bookings b ON b.key = m.booking_key
    LEFT JOIN LATERAL (
        SELECT key, scope FROM holds
        WHERE (
            -- A pause by staff has no end.
            until IS NULL
            -- Until then, the hold stops every message. After that it is half open.
            OR until > clock_timestamp()
            -- A half-open hold that was laid for a status `failed` stops all messages but its probe. While no probe of a
            -- template's hold was accepted, any message may be the probe, since held ones are sent by the fallback.
            OR by_status AND probe_id IS DISTINCT FROM m.id AND (scope <> 'template' OR probe_taken_at IS NOT NULL))
          AND (resort IS NULL OR resort = b.resort) AND (number IS NULL OR number = w.number)
          AND (country IS NULL OR country = w.country) AND (template IS NULL OR template = w.template)
          AND (kind IS NULL OR kind = m.kind)
        ORDER BY scope = 'template', key LIMIT 1) h ON true
    -- Those of the guest's day that went, or still may; this message's own earlier claim is not another's. Their row in
    -- `reminded` is locked.
    LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE o.id <> m.id) AS others, count(*) FILTER (WHERE o.id = m.id) AS counted
        FROM reminded r CROSS JOIN LATERAL unnest(r.messages) AS listed(id) JOIN messages o ON o.id = listed.id
        WHERE w.day_cap IS NOT NULL AND r.phone_hash = b.phone_hash AND r.number = w.number
          AND o.claimed_at > clock_timestamp() - interval '24 hours'
          AND o.state NOT IN ('withdrawn', 'expired', 'skipped')) d ON true
    WHERE m.state = 'queued'
), within_limits AS (
    -- Of several that are claimed together, each counts those before it; those that count already are among the others. The hold-out
    -- is asked last, so that both groups are those who would have got it; it counts for no limit.
    SELECT j.id, j.token, j.template_name, j.number, j.country, j.template, j.phone_hash, j.hold, j.scope,
        j.is_reminder, j.is_marketing, j.quiet_from, j.quiet_to, j.day_cap, j.hold_out, CASE
        WHEN j.verdict = 'claimed' AND j.phone_hash IS NOT NULL AND j.day_cap <= j.others + count(*) FILTER (WHERE j.counted = 0 AND NOT j.held_out) OVER (
            PARTITION BY j.verdict, j.number, j.phone_hash, j.day_cap IS NULL ORDER BY j.counted DESC, j.due_at, j.id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) THEN 'capped'
        WHEN j.verdict = 'claimed' AND j.held_out THEN 'held_out'
        ELSE j.verdict
    END AS verdict
    FROM judged j
), moved AS (
    UPDATE messages m SET
        -- Every other end (a mark of withdrawal, confirmed, booked_elsewhere) means that the message is not wanted.
        state = CASE j.verdict
            WHEN 'claimed' THEN 'sending' WHEN 'outdated' THEN 'queued' WHEN 'held' THEN 'held'
            WHEN 'expired' THEN 'expired' WHEN 'opted_out' THEN 'skipped' WHEN 'capped' THEN 'skipped' WHEN 'held_out' THEN 'skipped' ELSE 'withdrawn' END,
        reason = CASE WHEN j.verdict IN ('claimed', 'outdated') THEN NULL WHEN j.verdict = 'held' THEN j.scope ELSE j.verdict END,
        held_by = CASE j.verdict WHEN 'held' THEN j.hold END,
        attempts = m.attempts + CASE j.verdict WHEN 'claimed' THEN 1 ELSE 0 END,
        claimed_at = CASE j.verdict WHEN 'claimed' THEN clock_timestamp() ELSE m.claimed_at END,
        claim_token = CASE j.verdict WHEN 'claimed' THEN j.token END,
        -- What was reported so far belongs to the calls before this one.
        delivery = CASE j.verdict WHEN 'claimed' THEN NULL ELSE m.delivery END,
        delivery_at = CASE j.verdict WHEN 'claimed' THEN NULL ELSE m.delivery_at END,
        whatsapp_hash = CASE j.verdict WHEN 'claimed' THEN NULL ELSE m.whatsapp_hash END,
        template = CASE j.verdict WHEN 'claimed' THEN j.template_name ELSE m.template END,
        called_from = CASE j.verdict WHEN 'claimed' THEN j.number ELSE m.called_from END,
        called_template = CASE j.verdict WHEN 'claimed' THEN j.template ELSE m.called_template END,
        called_country = CASE j.verdict WHEN 'claimed' THEN j.country ELSE m.called_country END,
        called_to = CASE j.verdict WHEN 'claimed' THEN j.phone_hash ELSE m.called_to END,
        -- The rules of this call, by which breaches are counted.
        called_as_reminder = CASE j.verdict WHEN 'claimed' THEN j.is_reminder ELSE m.called_as_reminder END,
        called_as_marketing = CASE j.verdict WHEN 'claimed' THEN j.is_marketing ELSE m.called_as_marketing END,
        called_quiet_from = CASE j.verdict WHEN 'claimed' THEN j.quiet_from ELSE m.called_quiet_from END,
        called_quiet_to = CASE j.verdict WHEN 'claimed' THEN j.quiet_to ELSE m.called_quiet_to END,
        called_day_cap = CASE j.verdict WHEN 'claimed' THEN j.day_cap ELSE m.called_day_cap END,
        called_hold_out = CASE WHEN j.verdict IN ('claimed', 'held_out') THEN j.hold_out ELSE m.called_hold_out END,
        pricing_category = CASE j.verdict WHEN 'claimed' THEN NULL ELSE m.pricing_category END,
        pricing_type = CASE j.verdict WHEN 'claimed' THEN NULL ELSE m.pricing_type END,
        billable = CASE j.verdict WHEN 'claimed' THEN NULL ELSE m.billable END,
        paced = m.paced AND j.verdict <> 'claimed',
        publish_at = CASE j.verdict WHEN 'outdated' THEN clock_timestamp() END,
        publishes = 0,
        updated_at = now()
    FROM within_limits j
    WHERE m.id = j.id AND j.verdict <> 'not_now'
    RETURNING m.id, j.verdict, j.scope, m.attempts, j.phone_hash, j.number, j.day_cap
), noted AS (
    -- Lists the messages that were granted and count, and drops those that do no more.
    UPDATE reminded r SET reminded_at = clock_timestamp(), messages = ARRAY(
        SELECT o.id FROM unnest(r.messages) AS listed(id) JOIN messages o ON o.id = listed.id
        WHERE o.claimed_at > clock_timestamp() - interval '24 hours' UNION SELECT unnest(g.ids))
    FROM (SELECT phone_hash, number, array_agg(id) AS ids FROM moved
          WHERE verdict = 'claimed' AND day_cap IS NOT NULL GROUP BY phone_hash, number) g
    WHERE r.phone_hash = g.phone_hash AND r.number = g.number
)
SELECT id, verdict, scope, attempts FROM moved
