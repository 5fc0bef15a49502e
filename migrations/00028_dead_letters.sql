-- What failed for good: a list of it, with its reason, and how one of it is done again.

-- +goose Up
alter table call_summaries add column failed text check (failed ~ '^[a-z_]{1,40}$');
comment on column call_summaries.failed is 'why nothing could be made of the call, or not all; null when it was';

create index replies_failed on replies (tenant_id, created_at) where state in ('rejected', 'undelivered', 'unknown');
create index emails_failed on emails (tenant_id, act_at) where state = 'failed';
create index call_summaries_failed on call_summaries (tenant_id, made_at) where failed is not null;
create index bookings_given_up on bookings (tenant_id, act_at) where reason = 'gave_up';

-- Of the last ninety days. why_not says why a letter cannot be done again; null when it can.
-- +goose StatementBegin
create function dead_letters(tenant bigint)
    returns table (kind text, id bigint, state text, reason text, failed_at timestamptz, attempts integer, conversation_id bigint, call_id bigint, why_not text)
    language sql stable
begin atomic
    select case r.channel when 'email' then 'mail_reply' else 'text' end, r.id, r.state, coalesce(r.reason, ''), coalesce(r.settled_at, r.sending_at, r.created_at),
           r.attempts, r.conversation_id, null::bigint,
           case when r.state = 'undelivered' then 'not_delivered'
                when r.state = 'unknown' then 'may_have_been_sent'
                when exists (select from messages m where m.conversation_id = r.conversation_id and m.role <> 'user' and m.created_at > r.settled_at) then 'answered_since' end
      from replies r
     where r.tenant_id = tenant and r.created_at > now() - interval '90 days'
       and (r.state in ('rejected', 'undelivered') and r.reason is distinct from 'outside_hours' or r.state = 'unknown' and r.sending_at < now() - interval '1 day')
    union all
    select 'mail', e.id, e.state, coalesce(e.reason, ''), e.act_at, e.attempts, e.conversation_id, null, null
      from emails e where e.tenant_id = tenant and e.state = 'failed' and e.act_at > now() - interval '90 days'
    union all
    select 'call', s.call_id, 'failed', s.failed, s.made_at, c.finish_attempts, null, s.call_id, null
      from call_summaries s join calls c on c.tenant_id = tenant and c.id = s.call_id
     where s.tenant_id = tenant and s.failed is not null and s.made_at > now() - interval '90 days'
    union all
    select 'booking', b.id, b.state, b.reason, b.act_at, b.fence, null, null, 'customer_was_told'
      from bookings b where b.tenant_id = tenant and b.reason = 'gave_up' and b.act_at > now() - interval '90 days';
end;

-- Has one done again, if it failed and may be. state is what it is then, null when there is none of that kind and id; replayed says whether this
-- call did it, and why_not why it may not be.
create function replay_dead_letter(tenant bigint, letter_kind text, letter bigint, out state text, out replayed boolean, out why_not text)
    language plpgsql as $$
declare
    actor jsonb := nullif(current_setting('app.actor', true), '')::jsonb;
begin
    replayed := false;
    if letter_kind in ('text', 'mail_reply') then
        select r.state into state from replies r
         where r.tenant_id = tenant and r.id = letter and r.channel = case letter_kind when 'text' then 'sms' else 'email' end for update;
        select d.why_not into why_not from dead_letters(tenant) d where d.kind = letter_kind and d.id = letter;
        if found and why_not is null then
            update replies r set state = 'planned', act_at = now(), attempts = 0, reason = null, settled_at = null where r.tenant_id = tenant and r.id = letter;
            replayed := true;
        elsif state = 'suppressed' then
            why_not := 'not_to_be_sent';
        end if;
    elsif letter_kind = 'mail' then
        select e.state into state from emails e where e.tenant_id = tenant and e.id = letter for update;
        if state = 'failed' then
            update emails e set state = 'noticed', outcome = null, reason = null, attempts = 0, act_at = now() where e.tenant_id = tenant and e.id = letter;
            replayed := true;
        end if;
    elsif letter_kind = 'call' then
        select case when c.finish_at is null then 'finished' else 'noticed' end into state from calls c where c.tenant_id = tenant and c.id = letter for update;
        update call_summaries s set failed = null where s.tenant_id = tenant and s.call_id = letter and s.failed is not null;
        if found then
            update calls c set finish_at = now(), finish_attempts = 0 where c.tenant_id = tenant and c.id = letter;
            replayed := true;
        end if;
    elsif letter_kind = 'booking' then
        select b.state, case when b.state = 'released' then 'customer_was_told' end into state, why_not from bookings b where b.tenant_id = tenant and b.id = letter;
    end if;
    if replayed then
        state := case letter_kind when 'text' then 'planned' when 'mail_reply' then 'planned' else 'noticed' end;
        insert into audit_log (tenant_id, actor_id, actor, impersonating, address, action, object)
        select tenant, (actor ->> 'id')::bigint, actor ->> 'name', (actor ->> 'impersonating')::boolean, actor ->> 'address', 'dead_letters.replay', letter_kind || ' ' || letter
         where actor is not null;
    end if;
end $$;

-- How many there are of each tenant, for the operators: numbers, codes and times.
create function count_dead_letters() returns table (tenant_id bigint, kind text, reason text, letters bigint, oldest timestamptz)
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select l.tenant_id, l.kind, public.plain_code(l.reason), count(*), min(l.at)
      from (select r.tenant_id, case r.channel when 'email' then 'mail_reply' else 'text' end as kind, r.reason, coalesce(r.settled_at, r.created_at) as at
              from public.replies r
             where r.state in ('rejected', 'undelivered') and r.reason is distinct from 'outside_hours' or r.state = 'unknown' and r.created_at < now() - interval '1 day'
            union all
            select e.tenant_id, 'mail', e.reason, e.act_at from public.emails e where e.state = 'failed'
            union all
            select s.tenant_id, 'call', s.failed, s.made_at from public.call_summaries s where s.failed is not null
            union all
            select b.tenant_id, 'booking', b.reason, b.act_at from public.bookings b where b.reason = 'gave_up') l
     where l.at > now() - interval '90 days'
     group by l.tenant_id, l.kind, public.plain_code(l.reason)
     order by l.tenant_id, l.kind, 3;
end;
-- +goose StatementEnd
revoke all on function dead_letters(bigint), replay_dead_letter(bigint, text, bigint), count_dead_letters() from public;
grant execute on function dead_letters(bigint), replay_dead_letter(bigint, text, bigint) to chattercheatah_app;
grant select (tenant_id, failed, made_at) on call_summaries to chattercheatah_support;
create policy support on call_summaries for select to chattercheatah_support using (true);
grant create on schema public to chattercheatah_support;
alter function count_dead_letters() owner to chattercheatah_support;
revoke create on schema public from chattercheatah_support;
revoke all on function count_dead_letters() from public;
grant execute on function count_dead_letters() to chattercheatah_registrar;

-- +goose Down
drop function count_dead_letters();
drop function replay_dead_letter(bigint, text, bigint);
drop function dead_letters(bigint);
drop policy support on call_summaries;
revoke select (tenant_id, failed, made_at) on call_summaries from chattercheatah_support;
drop index bookings_given_up;
drop index call_summaries_failed;
drop index emails_failed;
drop index replies_failed;
alter table call_summaries drop column failed;
