-- Franchises share an organisation at Jackrabbit; each offers the classes of its own places.

-- +goose Up
alter table tenant_customer_service_configs
    add column jackrabbit_location_codes text[] not null default '{}' check (cardinality(jackrabbit_location_codes) <= 50);
comment on column tenant_customer_service_configs.jackrabbit_location_codes is 'of the classes that the tenant offers; all of the organisation''s when empty';

-- +goose Down
alter table tenant_customer_service_configs drop column jackrabbit_location_codes;
