-- A delivery report, two for each text, as one call that is planned once for a connection and reads by keys alone.

-- +goose Up
create index replies_unidentified on replies (conversation_id) where provider_message_id is null and sending_at is not null;

-- +goose StatementBegin
create function record_delivery(tenant bigint, provider_id text, report_token text, customer text, words text, reported text, cause text)
    returns boolean language plpgsql as $$
declare
    reply        bigint;
    conversation bigint;
    said         text;
    sent_at      timestamptz;
    now_is       text;
    known        boolean;  -- that the provider has taken it
begin
    -- By the provider's id; else its answer to this send was lost, or is on its way to us at this moment, and the token tells
    -- which reply it was, or, for a report that names none, its words. One statement sees one moment: the id is there or not.
    conversation := (select c.id from conversations c where c.tenant_id = tenant and c.channel = 'sms' and c.phone_number = customer);
    select hit.id, hit.accepted into reply, known
      from (select r.id, r.accepted_at is not null as accepted, 1 as choice
              from replies r where r.tenant_id = tenant and r.provider_message_id = provider_id
            union all
            select r.id, false, 2
              from replies r
             where r.tenant_id = tenant and r.conversation_id = conversation
               and r.provider_message_id is null and r.sending_at is not null
               and (r.token::text = report_token or report_token = '' and r.body = words)) hit
     order by hit.choice, hit.id limit 1;
    if not found then
        return false;
    end if;
    if known and reported = 'accepted' then
        return true; -- as most first reports: nothing new, nothing written
    end if;

    -- A settled state is never taken back by a report that comes late.
    update replies r
       set provider_message_id = provider_id, accepted_at = coalesce(r.accepted_at, now()),
           state = case when r.state in ('delivered', 'undelivered') then r.state else reported end,
           reason = case when r.state in ('delivered', 'undelivered') then r.reason else nullif(cause, '') end,
           settled_at = case when r.settled_at is null and reported <> 'accepted' then now() else r.settled_at end
     where r.tenant_id = tenant and r.id = reply
    returning r.conversation_id, r.body, r.sending_at, r.state into conversation, said, sent_at, now_is;

    insert into messages (conversation_id, role, content, provider_message_id, occurred_at)
    values (conversation, 'assistant', said, provider_id, sent_at)
        on conflict (conversation_id, provider_message_id) do nothing;

    if now_is = 'undelivered' then
        update conversations c set needs_attention_at = coalesce(needs_attention_at, now()), needs_attention_reason = 'undelivered: ' || cause
         where c.tenant_id = tenant and c.id = conversation;
    end if;
    return true;
end $$;
-- +goose StatementEnd
revoke all on function record_delivery(bigint, text, text, text, text, text, text) from public;
grant execute on function record_delivery(bigint, text, text, text, text, text, text) to chattercheatah_app;

-- +goose Down
drop function record_delivery(bigint, text, text, text, text, text, text);
drop index replies_unidentified;
