-- A bundle is for one channel or for any, and what has been published stays as it is: so an answer's prompt can be composed again.

-- +goose Up
alter table prompt_bundles
    add column channel text not null default 'any' check (channel in ('any', 'sms', 'voice', 'email')),
    add column edited_at timestamptz;
comment on column prompt_bundles.channel is 'a channel''s own bundle lies over the one for any';
comment on column prompt_bundles.published_at is 'when it was in production first; from then on it never changes';
create unique index prompt_bundles_number on prompt_bundles (tenant_id, channel, version) nulls not distinct;
create unique index prompt_bundles_live on prompt_bundles (tenant_id, channel) nulls not distinct where status = 'PRODUCTION';
create index prompt_bundles_newest on prompt_bundles (tenant_id, id desc);
drop index prompt_bundles_version;
drop index prompt_bundles_production;

-- What has been in production every tenant has inherited, and may read again.
alter policy inherited on prompt_bundles using (tenant_id is null and published_at is not null);
alter policy inherited on prompt_sections
    using ((select b.tenant_id is null and b.published_at is not null from prompt_bundles b where b.id = bundle_id));

-- +goose StatementBegin
create function keep_published_bundle() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    if tg_op = 'DELETE'
       or (new.id, coalesce(new.tenant_id, 0), new.name, new.channel, new.version, new.published_at, coalesce(new.edited_at, 'epoch'))
          is distinct from (old.id, coalesce(old.tenant_id, 0), old.name, old.channel, old.version, old.published_at, coalesce(old.edited_at, 'epoch')) then
        raise exception 'a published bundle does not change' using errcode = 'CC002';
    end if;
    return new;
end $$;
-- +goose StatementEnd
create trigger keep_published before update or delete on prompt_bundles
    for each row when (old.published_at is not null) execute function keep_published_bundle();

-- +goose StatementBegin
create function keep_published_sections() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    if exists (select from prompt_bundles b where b.published_at is not null
                  and b.id in (case when tg_op <> 'DELETE' then new.bundle_id end, case when tg_op <> 'INSERT' then old.bundle_id end)) then
        raise exception 'a published bundle does not change' using errcode = 'CC002';
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end $$;
-- +goose StatementEnd
create trigger keep_published before insert or update or delete on prompt_sections
    for each row execute function keep_published_sections();

alter table replies add column recipe jsonb;
comment on column replies.recipe is 'what the prompt of this answer was composed of: bundles, profile, time and the composer''s version';

-- +goose Down
alter table replies drop column recipe;
drop trigger keep_published on prompt_sections;
drop function keep_published_sections();
drop trigger keep_published on prompt_bundles;
drop function keep_published_bundle();
alter policy inherited on prompt_sections
    using ((select b.tenant_id is null and b.status = 'PRODUCTION' from prompt_bundles b where b.id = bundle_id));
alter policy inherited on prompt_bundles using (tenant_id is null and status = 'PRODUCTION');
create unique index prompt_bundles_production on prompt_bundles (tenant_id) nulls not distinct where status = 'PRODUCTION';
create unique index prompt_bundles_version on prompt_bundles (tenant_id, version) nulls not distinct;
drop index prompt_bundles_newest;
drop index prompt_bundles_live;
drop index prompt_bundles_number;
alter table prompt_bundles drop column edited_at, drop column channel;
