-- Requests as a server has them after eighty days, and the events that tell of them. Written once for both engines: `moment`
-- and `digits` become what each calls them, and the words in capitals numbers.
insert into requests (
    id, loop_id, creator_id, api_key_id, processing_type, type, priority, request_text, image_url, context, timeout_seconds,
    response_type, response_config, default_response, platform, platform_version, callback_url, tags, metadata, user_agent,
    broadcasted_to, status, created_at, updated_at, timeout_at, claimed_by, claimed_at, response_by, response_at,
    response_data, cancelled_at, cancel_reason
)
with recursive numbers (i) as (select cast(0 as bigint) union all select i + 1 from numbers where i + 1 < COUNT),
-- The last ones are open, of the last hour; those before them ended.
dated as (
    select i, case when i < ENDED then FIRST + i * BETWEEN else LAST + (i - ENDED) * 3600000000 / OPEN end as created,
        case when i >= ENDED then 'pending' when i / 50 % 100 < 91 then 'completed' when i / 50 % 100 < 97 then 'timeout'
            else 'cancelled' end as status
    from numbers
),
timed as (
    select i, created, status, case when status = 'timeout' then 3600 else 86400 end as seconds, created + case status
        when 'completed' then i * 7919 % 3500 * 1000000 when 'timeout' then 3600000000 when 'cancelled' then 600000000
        else 0 end as ended
    from dated
)
select digits(8, created / 1000000) || digits(16, i * 2654435761), p.loop_id, p.creator_id, p.key_id, t.processing_type,
    t.type, i % 3 + 1, t.request_text, t.image_url, t.context, seconds, t.response_type, t.response_config,
    t.default_response, t.platform, t.platform_version, t.callback_url, t.tags, t.metadata, t.user_agent, t.broadcasted_to,
    n.status, moment(created), moment(ended), moment(created + seconds * cast(1000000 as bigint)),
    case when n.status = 'completed' then p.creator_id end, case when n.status = 'completed' then moment(ended - 1000000) end,
    case when n.status = 'completed' then p.creator_id end, case when n.status = 'completed' then moment(ended) end,
    case when n.status = 'completed' then t.response_data end, case when n.status = 'cancelled' then moment(ended) end,
    case when n.status = 'cancelled' then 'no longer needed' end
from timed n join places p on p.place = n.i % 50 join requests t on t.id = (select id from pattern)
order by i;

insert into events (id, at, name, actor_kind, actor_id, account_id, loop_id, request_id, to_status, data)
select r.id, r.created_at, t.name, t.actor_kind, r.api_key_id, r.creator_id, r.loop_id, r.id, t.to_status, t.data
from requests r join events t on t.request_id = (select id from pattern) and t.name = 'request.created'
where r.id <> t.request_id order by r.id;

-- All ends are told as an answer is: their bodies are about as long.
insert into events (id, at, name, actor_kind, actor_id, account_id, loop_id, request_id, from_status, to_status, data)
select substr(r.id, 1, 8) || 'e' || substr(r.id, 10), r.updated_at, 'request.' || r.status,
    case r.status when 'completed' then 'person' when 'timeout' then 'clock' else 'key' end,
    case r.status when 'completed' then r.response_by when 'cancelled' then r.api_key_id end,
    r.creator_id, r.loop_id, r.id, 'pending', r.status, t.data
from requests r join events t on t.request_id = (select id from pattern) and t.name = 'request.completed'
where r.id <> t.request_id and r.status <> 'pending' order by r.updated_at;
