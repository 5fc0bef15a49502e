-- Texts that an assistant's tool sends to whoever it talks with, and the franchise whose registration pages a tenant's links lead to.

-- +goose Up
alter table tenant_customer_service_configs
    add column registration_franchise text check (registration_franchise ~ '^[a-z0-9-]{1,60}$');
comment on column tenant_customer_service_configs.registration_franchise is 'folder on the franchise''s site, as in shared/booking/franchises.yaml';

alter table replies drop constraint replies_kind_check;
alter table replies add constraint replies_kind_check
    check (kind in ('answer', 'help', 'opt_out_confirmation', 'opt_in_confirmation', 'staff', 'tool'));
alter table replies add constraint replies_tool_has_text check (kind <> 'tool' or body is not null);
create index replies_of_tools on replies (tenant_id, conversation_id, created_at) where kind = 'tool';

-- Plans a text to a customer, once for a key within a while, whoever repeats it. refusal is '' or why there is none: opted_out,
-- texting_off.
-- +goose StatementBegin
create function plan_tool_text(tenant bigint, customer text, words text, key text, within interval,
                               out refusal text, out reply bigint, out state text, out due timestamptz) language plpgsql as $$
declare
    talk bigint;
begin
    refusal := case
        when not exists (select from tenant_sms_configs s where s.tenant_id = tenant and s.is_enabled) then 'texting_off'
        when exists (select from opt_outs o where o.tenant_id = tenant and o.phone_number = customer and o.opted_in_at is null) then 'opted_out'
        else '' end;
    if refusal <> '' then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('tool_texts:' || tenant || ':' || customer, 0));
    insert into conversations (tenant_id, channel, phone_number) values (tenant, 'sms', customer)
        on conflict (tenant_id, channel, phone_number) do update set last_message_at = now()
    returning id into talk;
    select r.id, r.state, r.act_at into reply, state, due from replies r
     where r.tenant_id = tenant and r.conversation_id = talk and r.kind = 'tool' and r.created_at > now() - within
       and r.idempotency_key like key || ':%' order by r.id desc limit 1;
    if found then
        return;
    end if;
    insert into replies (tenant_id, conversation_id, kind, body, act_at, idempotency_key)
    values (tenant, talk, 'tool', words, now(), key || ':' || gen_random_uuid())
    returning id, replies.state, act_at into reply, state, due;
end $$;
-- +goose StatementEnd
revoke all on function plan_tool_text(bigint, text, text, text, interval) from public;
grant execute on function plan_tool_text(bigint, text, text, text, interval) to chattercheatah_app;

-- +goose Down
drop function plan_tool_text(bigint, text, text, text, interval);
drop index replies_of_tools;
alter table replies drop constraint replies_tool_has_text;
alter table replies drop constraint replies_kind_check;
alter table replies add constraint replies_kind_check
    check (kind in ('answer', 'help', 'opt_out_confirmation', 'opt_in_confirmation', 'staff'));
alter table tenant_customer_service_configs drop column registration_franchise;
