-- A page of messages cost as much as its tenant has conversations: Postgres may answer an EXISTS by reading them all at once. A
-- subquery for the one parent is looked up by its key.

-- +goose Up
alter policy tenant on messages
    using ((select c.tenant_id from conversations c where c.id = conversation_id) = (select current_setting('app.tenant_id')::bigint))
    with check ((select c.tenant_id from conversations c where c.id = conversation_id) = (select current_setting('app.tenant_id')::bigint));
alter policy tenant on prompt_sections
    using ((select b.tenant_id from prompt_bundles b where b.id = bundle_id) = (select current_setting('app.tenant_id')::bigint))
    with check ((select b.tenant_id from prompt_bundles b where b.id = bundle_id) = (select current_setting('app.tenant_id')::bigint));
alter policy inherited on prompt_sections
    using ((select b.tenant_id is null and b.status = 'PRODUCTION' from prompt_bundles b where b.id = bundle_id));

-- +goose Down
alter policy inherited on prompt_sections
    using (exists (select from prompt_bundles b where b.id = bundle_id and b.tenant_id is null and b.status = 'PRODUCTION'));
alter policy tenant on prompt_sections
    using (exists (select from prompt_bundles b where b.id = bundle_id and b.tenant_id = (select current_setting('app.tenant_id')::bigint)))
    with check (exists (select from prompt_bundles b where b.id = bundle_id and b.tenant_id = (select current_setting('app.tenant_id')::bigint)));
alter policy tenant on messages
    using (exists (select from conversations c where c.id = conversation_id and c.tenant_id = (select current_setting('app.tenant_id')::bigint)))
    with check (exists (select from conversations c where c.id = conversation_id and c.tenant_id = (select current_setting('app.tenant_id')::bigint)));
