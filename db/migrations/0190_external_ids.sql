-- +goose Up
-- External ids are a namespace of whoever gave them: the vendor has one, and each partner has its own. One unique key over all of
-- them told a partner which ids another one had used.
alter table app.deal add column external_by uuid default app.partner(); -- null: the vendor's
call app.classify('deal', 'customer-data', 'internal', 'external_by');
alter table app.deal drop constraint deal_external_uq;
create unique index deal_external_uq on app.deal (tenant_id, external_id, external_by) nulls not distinct where external_id is not null;
