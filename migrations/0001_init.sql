create table accounts (
    id             text        primary key,
    email          text        not null unique,
    name           text        not null,
    role           text        not null check (role in ('owner', 'creator', 'member')),
    status         text        not null check (status in ('active', 'suspended', 'inactive')),
    password_hash  text,
    signing_secret text        not null,
    -- What callbacks are signed with too, for a while after a rotation.
    previous_signing_secret text,
    previous_signing_until  timestamptz,
    created_at     timestamptz not null,
    last_seen_at   timestamptz,
    -- Whether there is any way to notify this person: a device, a topic or mail.
    reachable      boolean     not null default false
);

create table sessions (
    id           text        primary key,
    account_id   text        not null references accounts (id) on delete cascade,
    token_hash   text        not null unique,
    user_agent   text,
    created_at   timestamptz not null,
    expires_at   timestamptz not null
);
create index sessions_by_account on sessions (account_id);

-- How a person wants to be notified; without a row as by default.
create table notification_preferences (
    account_id  text    primary key references accounts (id) on delete cascade,
    preferences json    not null,
    ntfy_url    text,
    mail        boolean not null
);

-- Browsers that take Web Push. One goes with the session it was added in, unless that merely ran out.
create table devices (
    id         text        primary key,
    account_id text        not null references accounts (id) on delete cascade,
    session_id text        references sessions (id) on delete cascade,
    endpoint   text        not null unique,
    p256dh     text        not null,
    auth       text        not null,
    user_agent text,
    created_at timestamptz not null
);
create index devices_by_account on devices (account_id);
create index devices_by_session on devices (session_id);

-- What this server proves to push services with that a message is its own: one pair of keys, made on the first start.
create table push_keys (
    id          bigint      primary key check (id = 1),
    private_key text        not null,
    public_key  text        not null,
    created_at  timestamptz not null
);

create table setup_links (
    token_hash text        primary key,
    created_at timestamptz not null
);

-- At most one an account: a new one replaces the old.
create table reset_links (
    account_id text        primary key references accounts (id) on delete cascade,
    token_hash text        not null unique,
    expires_at timestamptz not null
);

create table api_keys (
    id           text        primary key,
    account_id   text        not null references accounts (id) on delete cascade,
    name         text        not null,
    token_hash   text        not null unique,
    prefix       text        not null,
    last_four    text        not null,
    scopes       json        not null,
    loops        json,
    status       text        not null check (status in ('active', 'suspended', 'revoked')),
    hourly_limit bigint,
    expires_at   timestamptz,
    last_used_at timestamptz,
    created_at   timestamptz not null
);
create index api_keys_by_account on api_keys (account_id);

-- One row a key: the window that is open, or was last. `granted` is what the last taker got.
create table windows (
    key_id    text        primary key references api_keys (id) on delete cascade,
    closes_at timestamptz not null,
    used      bigint      not null,
    granted   bigint      not null,
    warned    boolean     not null,
    exceeded  boolean     not null
);

create table loops (
    id          text        primary key,
    creator_id  text        not null references accounts (id),
    name        text        not null,
    description text        not null,
    icon        text        not null,
    invite_code text        not null unique,
    created_at  timestamptz not null,
    updated_at  timestamptz not null
);
create index loops_by_creator on loops (creator_id, created_at desc);

create table members (
    loop_id     text        not null references loops (id) on delete cascade,
    account_id  text        not null references accounts (id) on delete cascade,
    role        text        not null check (role in ('admin', 'member')),
    status      text        not null check (status in ('active', 'pending')),
    invited_at  timestamptz not null,
    joined_at   timestamptz,
    last_active timestamptz,
    -- Whether the person is notified of this loop's requests.
    notified    boolean     not null default true,
    primary key (loop_id, account_id)
);
create index members_by_account on members (account_id);

-- What is checked often is not checked by `in`: of more than two words, SQLite makes a table, each time.
create table requests (
    id                text        primary key,
    loop_id           text        not null references loops (id) on delete cascade,
    creator_id        text        not null,
    api_key_id        text        not null,
    processing_type   text        not null,
    type              text        not null,
    priority          bigint      not null,
    request_text      text        not null,
    image_url         text,
    context           json,
    timeout_seconds   bigint      not null,
    response_type     text        not null,
    response_config   json        not null,
    default_response  json,
    platform          text        not null,
    platform_version  text,
    callback_url      text,
    tags              json,
    metadata          json,
    user_agent        text,
    broadcasted_to    json        not null,
    status            text        not null check (status = 'pending' or status = 'claimed' or status = 'completed' or status = 'timeout' or status = 'cancelled'),
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    timeout_at        timestamptz not null,
    -- When whoever has claimed it is to be warned of the deadline; null once they were, or where the time is short anyway.
    warn_at           timestamptz,
    claimed_by        text,
    claimed_at        timestamptz,
    claim_expires_at  timestamptz,
    response_by       text,
    response_at       timestamptz,
    response_data     json,
    cancelled_at      timestamptz,
    cancel_reason     text
);
create index requests_by_creator on requests (creator_id, created_at desc, id desc);
create index requests_by_creator_and_priority on requests (creator_id, priority desc, created_at desc, id desc);
create index requests_by_loop on requests (loop_id, created_at desc, id desc);
create index requests_queue on requests (loop_id, priority desc, processing_type desc, created_at, id) where status = 'pending';
create index requests_due on requests (timeout_at) where status in ('pending', 'claimed');
create index requests_claims on requests (claimed_by, claim_expires_at) where status = 'claimed';
create index requests_to_warn on requests (warn_at) where status = 'claimed' and warn_at is not null;
-- With what a person's answers are counted by.
create index requests_by_responder on requests (response_by, response_at desc, id desc, loop_id, priority) where response_by is not null;
create index requests_missed on requests (claimed_by, updated_at desc, id desc) where status in ('timeout', 'cancelled') and claimed_by is not null;

-- What is swept.
create index requests_finished on requests (updated_at) where status not in ('pending', 'claimed');

-- What the overview counts and times, without reading the requests themselves.
create index requests_answered on requests (loop_id, response_at desc, created_at) where status = 'completed';
create index requests_timed_out on requests (loop_id, timeout_at) where status = 'timeout';
-- The last: of two that seem as good, in a table that Postgres knows nothing of yet, it takes the one made last.
create index requests_by_creator_and_status on requests (creator_id, status, created_at desc, id desc);

create table feedback (
    id           text        primary key,
    request_id   text        not null unique references requests (id) on delete cascade,
    account_id   text        not null,
    body         json        not null,
    submitted_at timestamptz not null
);

create table drafts (
    request_id text        not null references requests (id) on delete cascade,
    account_id text        not null references accounts (id) on delete cascade,
    body       json        not null,
    updated_at timestamptz not null,
    primary key (request_id, account_id)
);

-- Append-only. No foreign keys: the record outlives what it speaks of.
create table events (
    seq         bigint generated always as identity primary key,
    id          text        not null,
    at          timestamptz not null,
    name        text        not null,
    actor_kind  text        not null,
    actor_id    text,
    account_id  text        not null,
    loop_id     text,
    request_id  text,
    from_status text,
    to_status   text,
    data        json        not null
);
create index events_by_request on events (request_id, seq) where request_id is not null;
create index events_by_account on events (account_id, seq);
create index events_by_age on events (at);

create table webhooks (
    id               text        primary key,
    account_id       text        not null references accounts (id) on delete cascade,
    url              text        not null,
    loop_id          text,
    events           json        not null,
    enabled          boolean     not null,
    disabled_reason  text,
    secret           text        not null,
    previous_secret  text,
    previous_until   timestamptz,
    description      text,
    created_at       timestamptz not null,
    updated_at       timestamptz not null,
    deleted_at       timestamptz,
    last_delivery_at timestamptz,
    last_status      bigint,
    failure_count    bigint      not null,
    failing_since    timestamptz,
    warned_at        timestamptz
);
create index webhooks_by_account on webhooks (account_id) where deleted_at is null;

-- One event on its way to one address, or to one person by one way. `endpoint` is what shares the few places of a receiver.
create table deliveries (
    id               text        primary key,
    event_id         text        not null,
    event            text        not null,
    kind             text        not null check (kind = 'webhook' or kind = 'callback' or kind = 'push' or kind = 'ntfy' or kind = 'mail'),
    account_id       text        not null,
    webhook_id       text,
    request_id       text,
    url              text        not null,
    endpoint         text        not null,
    body             text        not null,
    status           text        not null check (status = 'pending' or status = 'success' or status = 'failed' or status = 'retrying'),
    attempt          bigint      not null,
    cause            text        not null,
    next_attempt_at  timestamptz,
    locked_until     timestamptz,
    response_status  bigint,
    response_time_ms bigint,
    response_body    text,
    error            text,
    created_at       timestamptz not null,
    delivered_at     timestamptz
);
create index deliveries_due on deliveries (endpoint, next_attempt_at, id) where next_attempt_at is not null;
create index deliveries_by_webhook on deliveries (webhook_id, created_at desc, id desc) where webhook_id is not null;
create index deliveries_by_request on deliveries (request_id, created_at desc, id desc) where request_id is not null;
create index deliveries_of_tests on deliveries (account_id, created_at) where event = 'notification.test';
create index deliveries_of_invitations on deliveries (account_id, created_at) where event in ('account.invited', 'loop.member_invited');
create index deliveries_by_age on deliveries (created_at);

-- Each time that a delivery was sent.
create table attempts (
    delivery_id      text        not null references deliveries (id) on delete cascade,
    number           bigint      not null,
    cause            text        not null,
    at               timestamptz not null,
    response_status  bigint,
    response_time_ms bigint      not null,
    response_body    text,
    error            text,
    primary key (delivery_id, number)
);

-- What was answered to a POST with an Idempotency-Key; `status` is null while it is under way.
create table idempotency_keys (
    api_key_id text        not null references api_keys (id) on delete cascade,
    key        text        not null,
    call_hash  text        not null,
    status     bigint,
    body       text,
    created_at timestamptz not null,
    primary key (api_key_id, key)
);
create index idempotency_keys_by_age on idempotency_keys (created_at);

-- What `hitl pull` could not take in of what is somebody's on another server, over all its runs: SHA-256, because what another
-- server shows may be of any length.
create table omissions (
    account_id text not null references accounts (id) on delete cascade,
    there_id   text not null,
    what_hash  text not null,
    primary key (account_id, there_id, what_hash)
);
