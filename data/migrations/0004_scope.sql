-- Who may see a row is said by its tenant and its flow.

-- scope: null lets everything through, else texts of tenant, U+001F, flow, with * for any of one side.
-- A row without a tenant or a flow is reached by * on that side only; an empty list lets nothing through.
-- null folds away before a row is read. Splitting the scope into lists of tenants, flows and pairs reads
-- a row in half the time, but takes 2 ms to bind each time it is named; this takes 0.3 ms.
create macro in_scope(tenant, flow, scope) as
    scope is null
    or coalesce(
        list_contains(scope, tenant || chr(31) || '*')
        or list_contains(scope, '*' || chr(31) || flow)
        or list_contains(scope, tenant || chr(31) || flow),
        false
    );
