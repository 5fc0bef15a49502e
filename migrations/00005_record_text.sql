-- Taking a text in as one call: its statements are planned once for a connection, which a pooler in transaction mode allows
-- of functions and not of prepared statements. The function runs as its caller, so row level security binds it.

-- +goose Up
-- What every text paid for and nothing needed: the conversation's key implies the tenant's, a random token needs no index to
-- be found among a conversation's replies, and most replies have no provider's id yet.
alter table replies drop constraint replies_tenant_id_fkey, drop constraint replies_token_key, drop constraint replies_tenant_id_provider_message_id_key;
create unique index replies_provider_message on replies (tenant_id, provider_message_id) where provider_message_id is not null;

-- +goose StatementBegin
create function record_text(tenant bigint, customer text, called text, verified_with text, words text, pictures integer,
                            provider_id text, occurred timestamptz, keyword text, answered boolean, crowd integer,
                            out routed boolean, out recorded boolean, out reply_id bigint, out due timestamptz, out crowded boolean)
    language plpgsql as $$
declare
    conversation  bigint;
    by_assistant  boolean;
    owes          boolean;    -- this tenant's texts are answered, by us
    patience      interval;   -- how long an answer waits for more texts
    has_opted_out boolean;
    changed       boolean := false;
    owed          text;
begin
    -- The route that brought the text here may come from memory when the proof was a Telnyx key: it must still hold.
    select s.is_enabled and not s.answered_by_assistant and not answered, s.reply_wait_ms * interval '1 millisecond'
      into owes, patience
      from tenants t join tenant_sms_configs s on s.tenant_id = t.id
     where t.id = tenant and t.is_active
       and (verified_with is null
            or coalesce(s.telnyx_public_key, '') = verified_with
               and exists (select from tenant_phone_numbers n where n.phone_number = called and n.tenant_id = tenant));
    routed := found;
    recorded := false;
    crowded := false;
    if not routed then
        return;
    end if;

    -- From here on the conversation is locked: its texts are taken one after the other.
    insert into conversations (tenant_id, channel, phone_number) values (tenant, 'sms', customer)
        on conflict (tenant_id, channel, phone_number) do update set last_message_at = now()
    returning id, handled_by = 'assistant' into conversation, by_assistant;

    insert into messages (conversation_id, role, content, media_count, provider_message_id, occurred_at)
    values (conversation, 'user', words, pictures, provider_id, occurred)
        on conflict (conversation_id, provider_message_id) do nothing;
    recorded := found;

    if recorded then
        has_opted_out := exists (select from opt_outs o where o.tenant_id = tenant and o.phone_number = customer and o.opted_in_at is null);
        if keyword = 'stop' then
            insert into opt_outs (tenant_id, phone_number, source, opted_out_at) values (tenant, customer, 'message', occurred)
                on conflict (tenant_id, phone_number) do update set source = 'message', opted_out_at = excluded.opted_out_at, opted_in_at = null
             where opt_outs.opted_in_at <= excluded.opted_out_at;
            changed := found;
            if changed then
                update replies r set state = 'suppressed', reason = 'opted_out', settled_at = now()
                 where r.tenant_id = tenant and r.conversation_id = conversation and r.state in ('planned', 'claimed');
            end if;
        elsif keyword in ('start', 'yes') and has_opted_out then
            update opt_outs o set opted_in_at = occurred
             where o.tenant_id = tenant and o.phone_number = customer and o.opted_in_at is null and o.opted_out_at <= occurred;
            changed := found;
        end if;

        owed := case
            when not owes                                     then null
            when keyword = 'stop'                             then case when changed then 'opt_out_confirmation' end
            when keyword in ('start', 'yes') and changed      then 'opt_in_confirmation'
            when has_opted_out                                then null
            when keyword = 'help'                             then 'help'
            when by_assistant                                 then 'answer'
        end;
        if owed = 'answer' then
            -- An answer that still waits for more texts waits a little longer, but never beyond five times the tenant's wait.
            insert into replies (tenant_id, conversation_id, kind, act_at) values (tenant, conversation, owed, now() + patience)
                on conflict (conversation_id) where state = 'planned' and kind = 'answer' and body is null
                do update set act_at = greatest(replies.act_at, least(excluded.act_at, replies.created_at + 5 * patience))
            returning id, replies.act_at into reply_id, due;
            crowded := crowd > 0 and crowd <= (select count(*) from (select from replies r
                where r.tenant_id = tenant and r.state = 'planned' and r.act_at <= now() limit crowd) overdue);
            return;
        elsif owed is not null then
            insert into replies (tenant_id, conversation_id, kind, act_at) values (tenant, conversation, owed, now())
            returning id, replies.act_at into reply_id, due;
            return;
        end if;
    end if;

    -- Nothing new is owed; what waits in this conversation may be put on the queue again, in case it never was.
    select r.id, r.act_at into reply_id, due
      from replies r
     where r.tenant_id = tenant and r.conversation_id = conversation
       and (r.state = 'planned') is true -- so written, it is looked for in its conversation and not among all that is planned
     order by r.act_at limit 1;
end $$;
-- +goose StatementEnd
revoke all on function record_text(bigint, text, text, text, text, integer, text, timestamptz, text, boolean, integer) from public;
grant execute on function record_text(bigint, text, text, text, text, integer, text, timestamptz, text, boolean, integer) to chattercheatah_app;

-- +goose Down
drop index replies_provider_message;
alter table replies add foreign key (tenant_id) references tenants, add unique (token), add unique (tenant_id, provider_message_id);
drop function record_text(bigint, text, text, text, text, integer, text, timestamptz, text, boolean, integer);
