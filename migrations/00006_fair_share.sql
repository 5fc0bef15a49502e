-- No tenant's rush may slow the others: the claim counts what of a tenant is at work, and the sweeper takes a few of each.
-- And a tenant's conversations can be listed, newest first, without sorting them.

-- +goose Up
-- What is open is told apart by its times and not by its state, so that a claim, which names a state, is never planned on this
-- index: it would read everybody's open replies.
drop index replies_open;
create index replies_open on replies (act_at) where accepted_at is null and settled_at is null;
create index replies_turn on replies (tenant_id, state, act_at) where state in ('planned', 'claimed', 'sending');
create index replies_after_hours on replies (conversation_id, sending_at) where after_hours;
create index conversations_newest on conversations (tenant_id, last_message_at desc, id desc);

drop function route_overdue_replies(timestamptz, integer);
grant select (accepted_at, settled_at) on replies to chattercheatah_router;
-- +goose StatementBegin
create function route_overdue_replies(since timestamptz, at_most integer, of_each integer)
    returns table (tenant_id bigint, reply_id bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select o.tenant_id, o.id
      from (select r.tenant_id, r.id, r.act_at, row_number() over (partition by r.tenant_id order by r.act_at) as nth
              from public.replies r
              join public.tenants t on t.id = r.tenant_id and t.is_active
             where r.accepted_at is null and r.settled_at is null and r.act_at <= since) o
     where o.nth <= of_each
     order by o.act_at
     limit at_most;
end;
-- +goose StatementEnd
grant create on schema public to chattercheatah_router;
alter function route_overdue_replies(timestamptz, integer, integer) owner to chattercheatah_router;
revoke create on schema public from chattercheatah_router;
revoke all on function route_overdue_replies(timestamptz, integer, integer) from public;
grant execute on function route_overdue_replies(timestamptz, integer, integer) to chattercheatah_app;

-- A claim may be a little early: the queue's clock and the database's are not the same.
create function is_due(act_at timestamptz) returns boolean language sql stable
    return act_at <= now() + interval '250 milliseconds';

-- As record_text, planned once for a connection.
-- +goose StatementBegin
create function claim_reply(tenant bigint, reply bigint, lease interval, share integer, out claimed boolean, out crowded boolean) language plpgsql as $$
declare
    r      replies;
    talk   conversations;
    config tenant_sms_configs;
    at_work integer;
begin
    claimed := false;
    crowded := false;
    select * into r from replies where tenant_id = tenant and id = reply for update;
    if not found or not exists (select from tenants where id = tenant and is_active) then
        return;
    end if;

    -- A worker that died in flight leaves the unknown.
    if r.state = 'sending' and r.act_at <= now() then
        update replies set state = 'unknown', reason = 'worker_lost' where tenant_id = tenant and id = reply;
        return;
    end if;
    if not (r.state = 'planned' and is_due(r.act_at) or r.state = 'claimed' and r.act_at <= now()) then
        return;
    end if;

    -- What a takeover or a switched-off channel has made pointless ends here.
    select * into talk from conversations where tenant_id = tenant and id = r.conversation_id;
    select * into config from tenant_sms_configs where tenant_id = tenant;
    if talk.handled_by = 'human' and r.kind = 'answer' or not config.is_enabled then
        update replies set state = 'suppressed', reason = case talk.handled_by when 'human' then 'human_takeover' else 'texting_disabled' end, settled_at = now()
         where tenant_id = tenant and id = reply;
        return;
    end if;

    -- Only answers wait their turn: what the law and the carriers ask for takes no model and no time.
    at_work := (select count(*) from replies where tenant_id = tenant and state = 'claimed' and act_at > now())
             + (select count(*) from replies where tenant_id = tenant and state = 'sending' and act_at > now());
    crowded := r.kind = 'answer' and at_work >= share;
    if crowded or exists (select from replies where tenant_id = tenant and conversation_id = r.conversation_id and id <> reply and state in ('claimed', 'sending')) then
        return;
    end if;
    update replies set state = 'claimed', fence = fence + 1, attempts = attempts + 1, act_at = now() + lease where tenant_id = tenant and id = reply;
    claimed := true;
end $$;
-- +goose StatementEnd
revoke all on function claim_reply(bigint, bigint, interval, integer) from public;
grant execute on function claim_reply(bigint, bigint, interval, integer) to chattercheatah_app;

-- +goose StatementBegin
create function reply_history(tenant bigint, reply bigint, at_most integer)
    returns table (from_customer boolean, words text, pictures integer, at timestamptz) language plpgsql stable as $$
begin
    return query
    select latest.role = 'user', latest.content, latest.media_count, latest.occurred_at
      from (select m.id, m.role, m.content, m.media_count, m.occurred_at
              from conversations c join messages m on m.conversation_id = c.id
             where c.tenant_id = tenant and c.id = (select r.conversation_id from replies r where r.tenant_id = tenant and r.id = reply)
             order by m.occurred_at desc, m.id desc limit at_most) latest
     order by latest.occurred_at, latest.id;
end $$;
-- +goose StatementEnd
revoke all on function reply_history(bigint, bigint, integer) from public;
grant execute on function reply_history(bigint, bigint, integer) to chattercheatah_app;

-- +goose Down
drop function reply_history(bigint, bigint, integer);
drop function claim_reply(bigint, bigint, interval, integer);
drop function is_due(timestamptz);
drop function route_overdue_replies(timestamptz, integer, integer);
-- +goose StatementBegin
create function route_overdue_replies(since timestamptz, at_most integer)
    returns table (tenant_id bigint, reply_id bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select r.tenant_id, r.id
      from public.replies r
      join public.tenants t on t.id = r.tenant_id and t.is_active
     where r.state in ('planned', 'claimed', 'sending', 'unknown') and r.act_at <= since
     order by r.act_at
     limit at_most;
end;
-- +goose StatementEnd
grant create on schema public to chattercheatah_router;
alter function route_overdue_replies(timestamptz, integer) owner to chattercheatah_router;
revoke create on schema public from chattercheatah_router;
revoke all on function route_overdue_replies(timestamptz, integer) from public;
grant execute on function route_overdue_replies(timestamptz, integer) to chattercheatah_app;
revoke select (accepted_at, settled_at) on replies from chattercheatah_router;
drop index conversations_newest;
drop index replies_after_hours;
drop index replies_turn;
drop index replies_open;
create index replies_open on replies (act_at) where state in ('planned', 'claimed', 'sending', 'unknown');
