-- What a review of the operator's tables found: the application may not change whose a person is, a dismissed alarm is somebody's,
-- a number is claimed by one change at a time, and a token is bound to the password itself, which needs no clock.

-- +goose Up
revoke update on users from chattercheatah_app;
grant update (email, role, is_active, password_hash, tokens_valid_from, updated_at) on users to chattercheatah_app;
comment on column users.tokens_valid_from is 'nothing reads it any more; to be dropped once no deployed function does';

drop trigger log_handling on conversations;
create trigger log_handling after update of handled_by, needs_attention_at on conversations
    for each row when (old.handled_by is distinct from new.handled_by or old.needs_attention_at is distinct from new.needs_attention_at)
    execute function log_change('tenant_id');

-- +goose StatementBegin
create or replace function claim_tenant_numbers() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    -- Of two changes of one tenant the second sees what the first has claimed.
    perform pg_advisory_xact_lock(hashtextextended('tenant_phone_numbers:' || new.tenant_id, 0));
    delete from tenant_phone_numbers n
     where n.tenant_id = new.tenant_id
       and not exists (select from tenant_sms_configs s
                        where s.tenant_id = n.tenant_id and n.phone_number in (s.telnyx_phone_number, s.twilio_phone_number))
       and not exists (select from tenant_voice_configs v
                        where v.tenant_id = n.tenant_id and n.phone_number = v.telnyx_phone_number);
    insert into tenant_phone_numbers (phone_number, tenant_id)
    select distinct held.number, new.tenant_id
      from (select unnest(array[s.telnyx_phone_number, s.twilio_phone_number]) from tenant_sms_configs s where s.tenant_id = new.tenant_id
            union all
            select v.telnyx_phone_number from tenant_voice_configs v where v.tenant_id = new.tenant_id) held (number)
     where held.number is not null
       and not exists (select from tenant_phone_numbers n where n.phone_number = held.number and n.tenant_id = new.tenant_id);
    return null;
end $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
create or replace function claim_tenant_numbers() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    delete from tenant_phone_numbers n
     where n.tenant_id = new.tenant_id
       and not exists (select from tenant_sms_configs s
                        where s.tenant_id = n.tenant_id and n.phone_number in (s.telnyx_phone_number, s.twilio_phone_number))
       and not exists (select from tenant_voice_configs v
                        where v.tenant_id = n.tenant_id and n.phone_number = v.telnyx_phone_number);
    insert into tenant_phone_numbers (phone_number, tenant_id)
    select distinct held.number, new.tenant_id
      from (select unnest(array[s.telnyx_phone_number, s.twilio_phone_number]) from tenant_sms_configs s where s.tenant_id = new.tenant_id
            union all
            select v.telnyx_phone_number from tenant_voice_configs v where v.tenant_id = new.tenant_id) held (number)
     where held.number is not null
       and not exists (select from tenant_phone_numbers n where n.phone_number = held.number and n.tenant_id = new.tenant_id);
    return null;
end $$;
-- +goose StatementEnd
drop trigger log_handling on conversations;
create trigger log_handling after update of handled_by on conversations
    for each row when (old.handled_by is distinct from new.handled_by) execute function log_change('tenant_id');
comment on column users.tokens_valid_from is null;
revoke update (email, role, is_active, password_hash, tokens_valid_from, updated_at) on users from chattercheatah_app;
grant update on users to chattercheatah_app;
