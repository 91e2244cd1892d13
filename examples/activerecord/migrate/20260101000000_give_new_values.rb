# frozen_string_literal: true

require "digest"

# Gives every object new values computed in Ruby. Active Record runs a migration in a transaction, so an error
# undoes all of it.
class GiveNewValues < ActiveRecord::Migration[6.1]
  class Item < ActiveRecord::Base
    self.table_name = "objects"
  end

  def up
    # Prevents changes between saving the old values and the update. Other sessions can read the objects.
    execute "LOCK TABLE objects IN SHARE ROW EXCLUSIVE MODE"
    execute <<~SQL
      CREATE TEMPORARY TABLE new_values ON COMMIT DROP AS SELECT id, field1, field2 FROM objects WITH NO DATA
    SQL
    # A COPY occupies its connection, so a batch of objects is read before each.
    Item.find_in_batches(batch_size: 2000) do |items|
      copy "new_values", (items.map { |item| [item.id, *new_values(item)] })
    end
    execute <<~SQL
      CREATE TABLE objects_old_values AS
        SELECT id, o.field1, o.field2 FROM objects o JOIN new_values USING (id)
    SQL
    bulk_update "SELECT id, field1, field2 FROM new_values ORDER BY id"
  end

  # Overwrites changes to these columns in the meantime; objects that were deleted count as missing.
  def down
    bulk_update "SELECT id, field1, field2 FROM objects_old_values ORDER BY id"
    drop_table :objects_old_values
  end

  private

  def new_values(item)
    digest = Digest::SHA256.hexdigest(item.field2)
    [digest[0, 6].hex, "#{item.field2} #{digest[0, 8]}"]
  end

  def copy(table, rows)
    raw = connection.raw_connection
    raw.copy_data("COPY #{table} FROM STDIN", PG::TextEncoder::CopyRow.new) do
      rows.each { |row| raw.put_copy_data(row) }
    end
  end

  # Applies the query's rows to the objects, and prints the number of rows for each outcome.
  def bulk_update(query)
    account = select_one(<<~SQL)
      SELECT rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged,
             rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected
      FROM bulk_update_query('objects', #{quote(query)}, report => 'total')
    SQL
    say "objects: #{account.map { |what, count| "#{count} #{what}" }.join(', ')}"
  end
end
