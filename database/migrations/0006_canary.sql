-- Up Migration
-- Older services: can follow: it only adds a column, which they leave empty.

-- In the first days after a promotion an entry is made smaller than it was decided on: a replay has to know by how much.
ALTER TABLE trading.orders
  -- Most of the quantity that may be filled, in the base currency; NULL is all of it.
  ADD COLUMN size_limit numeric CONSTRAINT orders_size_limit CHECK (size_limit > 0);
