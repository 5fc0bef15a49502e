-- What failed for good, with its reason, and how it is begun anew. Nothing is copied: a dead letter is the row itself, as it stands.

-- +goose Up
alter table calls
    add column failed_at     timestamptz,
    add column failed_reason text;
comment on column calls.failed_at is 'when it was kept without what was to be made of it; null when nothing is missing, or it is looked at again';
alter table bookings add column released_at timestamptz;
comment on column replies.settled_at is 'when it ended; of an unknown one when nobody looked for it any more';
comment on column emails.done_at is 'when something was made of it, or it was given up';

create index replies_dead on replies (tenant_id) where settled_at is not null
    and (state in ('undelivered', 'unknown') or state = 'rejected' and reason is distinct from 'outside_hours'
         or state = 'suppressed' and reason in ('too_late', 'mailbox_disconnected'));
create index emails_dead on emails (tenant_id) where state = 'failed';
create index calls_dead on calls (tenant_id) where failed_at is not null;
create index bookings_dead on bookings (tenant_id) where state = 'released' and reason in ('gave_up', 'no_calendar', 'calendar_unavailable', 'refused');

-- +goose StatementBegin
-- What of a tenant's failed for good. What somebody has decided is none of it: an opt-out, a takeover, a channel that is off, closed hours.
create function dead_letters(tenant bigint) returns table (kind text, id bigint, state text, reason text, failed_at timestamptz) language sql stable as $$
    select case r.channel when 'sms' then 'text' else 'mail' end, r.id, r.state, coalesce(r.reason, r.state), r.settled_at
      from public.replies r
     where r.tenant_id = tenant and r.settled_at is not null
       and (r.state in ('undelivered', 'unknown') or r.state = 'rejected' and r.reason is distinct from 'outside_hours'
            or r.state = 'suppressed' and r.reason in ('too_late', 'mailbox_disconnected'))
    union all
    select 'incoming_mail', e.id, e.state, coalesce(e.reason, e.state), coalesce(e.done_at, e.act_at)
      from public.emails e where e.tenant_id = tenant and e.state = 'failed'
    union all
    select 'call', c.id, 'failed', c.failed_reason, c.failed_at
      from public.calls c where c.tenant_id = tenant and c.failed_at is not null
    union all
    select 'booking', b.id, b.state, b.reason, coalesce(b.released_at, b.act_at)
      from public.bookings b
     where b.tenant_id = tenant and b.state = 'released' and b.reason in ('gave_up', 'no_calendar', 'calendar_unavailable', 'refused')
$$;

-- Why it is not begun anew; '' when it may be, or needs not.
create function replay_bar(tenant bigint, of_kind text, letter bigint) returns text language plpgsql stable as $$
declare
    r    replies;
    talk conversations;
    box  tenant_email_configs;
    mail emails;
begin
    if of_kind = 'call' then
        return '';
    elsif of_kind = 'booking' then -- the customer has heard that there is none
        return (select case k.state when 'released' then 'customer_was_told' else '' end from bookings k where k.tenant_id = tenant and k.id = letter);
    end if;
    select * into box from tenant_email_configs c where c.tenant_id = tenant;
    if of_kind = 'incoming_mail' then
        select * into mail from emails e where e.tenant_id = tenant and e.id = letter;
        return case
            when mail.state <> 'failed' then ''
            when box.gmail_email is distinct from mail.mailbox then 'mailbox_disconnected'
            when not box.is_enabled then 'mail_disabled'
            else '' end;
    end if;
    select * into r from replies o where o.tenant_id = tenant and o.id = letter;
    select * into talk from conversations c where c.tenant_id = tenant and c.id = r.conversation_id;
    select * into mail from emails e where e.tenant_id = tenant and e.id = r.email_id;
    return case
        when r.state in ('planned', 'claimed', 'sending', 'accepted', 'delivered') then ''
        when r.state = 'unknown' then 'may_have_been_sent'
        when r.state = 'undelivered' then 'was_sent'
        when r.reason = 'outside_hours' or r.state = 'suppressed' and r.reason <> 'mailbox_disconnected' then r.reason
        when r.channel = 'sms' and exists (select from opt_outs o where o.tenant_id = tenant and o.phone_number = talk.phone_number and o.opted_in_at is null) then 'opted_out'
        when exists (select from mail_opt_outs o where o.tenant_id = tenant and o.email in (mail.reply_to, mail.sender) and o.opted_in_at is null) then 'opted_out'
        when r.kind = 'opt_out_confirmation' then 'superseded'
        when r.kind = 'answer' and talk.handled_by = 'human' then 'human_takeover'
        when exists (select from messages m where m.conversation_id = talk.id and m.role = 'staff' and m.occurred_at >= r.created_at)
          or exists (select from replies o where o.tenant_id = tenant and o.conversation_id = talk.id and o.kind = 'staff' and o.id > letter
                        and o.state not in ('rejected', 'suppressed')) then 'answered_by_people'
        when r.kind = 'answer' and exists (select from replies o where o.tenant_id = tenant and o.conversation_id = talk.id and o.kind = 'answer' and (o.id > letter or o.state = 'planned')) then 'superseded'
        when r.kind = 'tool' and exists (select from replies o where o.tenant_id = tenant and o.conversation_id = talk.id and o.kind = 'tool' and o.id > letter
                        and left(o.idempotency_key, -36) = left(r.idempotency_key, -36)) then 'superseded' -- the key ends with a uuid
        when r.idempotency_key ~ '^booking-[0-9]+:' and not exists (select from bookings k where k.tenant_id = tenant and k.state = 'confirmed' and k.starts_at > now()
                        and k.id = substring(r.idempotency_key from '^booking-([0-9]+)')::bigint) then 'superseded'
        when r.kind <> 'staff' and coalesce(mail.received_at, r.created_at) < now() - interval '1 day' then 'too_late'
        when r.idempotency_key like 'call-notice:%' and talk.phone_number is distinct from (select v.notify_phone_number from tenant_voice_configs v where v.tenant_id = tenant) then 'superseded'
        when r.channel = 'sms' and not exists (select from tenant_sms_configs s where s.tenant_id = tenant and s.is_enabled) then 'texting_disabled'
        when r.channel = 'email' and box.gmail_email is distinct from talk.mailbox then 'mailbox_disconnected'
        when r.channel = 'email' and r.kind = 'answer' and not box.is_enabled then 'mail_disabled'
        else '' end;
end $$;

-- Begins what failed for good anew, once: whoever presses again, or at the same moment, finds it begun. is_there is false for a letter that is
-- missing; state is how it stands afterwards and due when its turn comes.
create function replay_dead_letter(tenant bigint, of_kind text, letter bigint, out is_there boolean, out state text, out bar text, out replayed boolean, out due timestamptz)
    language plpgsql as $$
declare
    on_channel text := case of_kind when 'text' then 'sms' when 'mail' then 'email' end;
begin
    replayed := false;
    -- The conversation is locked: an opt-out, or another text of the customer, comes before and is seen, or comes after and finds the reply planned.
    perform from conversations c where c.tenant_id = tenant
        and c.id = (select r.conversation_id from replies r where r.tenant_id = tenant and r.id = letter and r.channel = on_channel) for update;
    bar := replay_bar(tenant, of_kind, letter);
    if bar <> '' then
        null;
    elsif on_channel is not null then
        -- An answer that was tried once is composed anew. One that was tried oftener is said as it was: a report of an attempt before may still come.
        update replies r
           set state = 'planned', act_at = now(), reason = null, settled_at = null, attempts = greatest(least(r.attempts, 2) - 1, 0),
               body = case when r.kind = 'answer' and r.attempts <= 1 then null else r.body end,
               recipe = case when r.kind = 'answer' and r.attempts <= 1 then null else r.recipe end,
               after_hours = r.after_hours and not (r.kind = 'answer' and r.attempts <= 1)
         where r.tenant_id = tenant and r.id = letter and r.channel = on_channel and r.state in ('rejected', 'suppressed');
        replayed := found;
    elsif of_kind = 'incoming_mail' then
        update emails e set state = 'noticed', outcome = null, reason = null, attempts = 0, act_at = now(), done_at = null
         where e.tenant_id = tenant and e.id = letter and e.state = 'failed';
        replayed := found;
    elsif of_kind = 'call' then
        update calls c set finish_at = now(), finish_attempts = 0, failed_at = null, failed_reason = null
         where c.tenant_id = tenant and c.id = letter and c.failed_at is not null and c.finish_at is null;
        replayed := found;
    end if;
    select s.state, s.due into state, due
      from (select r.state, r.act_at as due from replies r where r.tenant_id = tenant and r.id = letter and r.channel = on_channel
            union all
            select e.state, e.act_at from emails e where of_kind = 'incoming_mail' and e.tenant_id = tenant and e.id = letter
            union all
            select case when c.finish_at is not null then 'to_be_finished' when c.failed_at is not null then 'failed' when c.finished_at is not null then 'finished' else 'open' end, c.finish_at
              from calls c where of_kind = 'call' and c.tenant_id = tenant and c.id = letter
            union all
            select b.state, b.act_at from bookings b where of_kind = 'booking' and b.tenant_id = tenant and b.id = letter) s;
    is_there := found;
end $$;

-- As before, and it says when.
create or replace function release_booking(tenant bigint, booking bigint, claim integer, why text, words text) returns boolean language plpgsql as $$
declare
    customer text;
begin
    update bookings k set state = 'released', reason = why, released_at = now()
     where k.tenant_id = tenant and k.id = booking and k.fence = claim and k.state in ('held', 'inserting') returning k.customer_number into customer;
    if not found then
        return false;
    end if;
    if words <> '' then
        perform plan_tool_text(tenant, customer, words, 'booking-' || booking || '-released', interval '1 day');
    end if;
    return true;
end $$;
-- +goose StatementEnd
revoke all on function dead_letters(bigint), replay_bar(bigint, text, bigint), replay_dead_letter(bigint, text, bigint) from public;
grant execute on function dead_letters(bigint) to chattercheatah_app, chattercheatah_router;
grant execute on function replay_bar(bigint, text, bigint), replay_dead_letter(bigint, text, bigint) to chattercheatah_app;

-- Whoever begins one anew is in the audit log; a worker is nobody there.
create trigger log_replay after update of state on replies
    for each row when (new.state = 'planned' and old.state in ('rejected', 'suppressed')) execute function log_change('tenant_id');
create trigger log_replay after update of state on emails
    for each row when (new.state = 'noticed' and old.state = 'failed') execute function log_change('tenant_id');
create trigger log_replay after update of failed_at on calls
    for each row when (new.failed_at is null and old.failed_at is not null) execute function log_change('tenant_id');

-- What failed for good of all tenants, counted for the operator.
grant select (reason) on replies to chattercheatah_router;
grant select (reason, done_at) on emails to chattercheatah_router;
grant select (failed_at, failed_reason) on calls to chattercheatah_router;
grant select (reason, released_at) on bookings to chattercheatah_router;
-- +goose StatementBegin
create function route_dead_letters(at_most integer) returns table (tenant_id bigint, kind text, reason text, letters bigint, oldest timestamptz)
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select t.id, d.kind, d.reason, count(*), min(d.failed_at)
      from public.tenants t cross join lateral public.dead_letters(t.id) d
     where d.failed_at > now() - interval '30 days'
     group by t.id, d.kind, d.reason
     order by min(d.failed_at), t.id, d.kind, d.reason
     limit at_most;
end;
-- +goose StatementEnd
grant create on schema public to chattercheatah_router;
alter function route_dead_letters(integer) owner to chattercheatah_router;
revoke create on schema public from chattercheatah_router;
revoke all on function route_dead_letters(integer) from public;
grant execute on function route_dead_letters(integer) to chattercheatah_registrar;

-- +goose Down
drop function route_dead_letters(integer);
revoke select (reason, released_at) on bookings from chattercheatah_router;
revoke select (failed_at, failed_reason) on calls from chattercheatah_router;
revoke select (reason, done_at) on emails from chattercheatah_router;
revoke select (reason) on replies from chattercheatah_router;
drop trigger log_replay on calls;
drop trigger log_replay on emails;
drop trigger log_replay on replies;
-- +goose StatementBegin
create or replace function release_booking(tenant bigint, booking bigint, claim integer, why text, words text) returns boolean language plpgsql as $$
declare
    customer text;
begin
    update bookings k set state = 'released', reason = why
     where k.tenant_id = tenant and k.id = booking and k.fence = claim and k.state in ('held', 'inserting') returning k.customer_number into customer;
    if not found then
        return false;
    end if;
    if words <> '' then
        perform plan_tool_text(tenant, customer, words, 'booking-' || booking || '-released', interval '1 day');
    end if;
    return true;
end $$;
-- +goose StatementEnd
drop function replay_dead_letter(bigint, text, bigint);
drop function replay_bar(bigint, text, bigint);
drop function dead_letters(bigint);
drop index bookings_dead;
drop index calls_dead;
drop index emails_dead;
drop index replies_dead;
comment on column emails.done_at is null;
comment on column replies.settled_at is null;
alter table bookings drop column released_at;
alter table calls drop column failed_at, drop column failed_reason;
