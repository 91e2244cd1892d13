# frozen_string_literal: true

require "digest"

# Gives every object new values computed in Ruby. Active Record runs a migration in a transaction, so an error
# undoes all of it.
class GiveNewValues < ActiveRecord::Migration[6.1]
  class Item < ActiveRecord::Base
    self.table_name = "objects"
  end

  def up
    # Prevents changes between the reading of the objects and their update. Other sessions can read them.
    execute "LOCK TABLE objects IN SHARE ROW EXCLUSIVE MODE"
    execute <<~SQL
      CREATE TEMPORARY TABLE new_values ON COMMIT DROP AS SELECT id, field1, field2 FROM objects WITH NO DATA
    SQL
    # A COPY occupies its connection, so a batch of objects is read before each.
    Item.find_in_batches(batch_size: 2000) do |items|
      copy "new_values", (items.map { |item| [item.id, *new_values(item)] })
    end
    execute "SELECT bulk_update_create_old_values('objects_old_values', 'objects', '{field1, field2}')"
    say_account <<~SQL
      bulk_update_query('objects', 'SELECT id, field1, field2 FROM new_values ORDER BY id',
                        old_values => 'objects_old_values', report => 'total')
    SQL
  end

  # Objects that have changed since are stale, those that were deleted are missing; neither is written.
  def down
    say_account "bulk_update_undo('objects', 'objects_old_values', report => 'total')"
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

  # Makes a call of the extension, and prints the number of rows for each outcome.
  def say_account(call)
    account = select_one(<<~SQL)
      SELECT rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing,
             rows_stale AS stale, rows_duplicate AS duplicate, rows_rejected AS rejected
      FROM #{call}
    SQL
    say "objects: #{account.map { |what, count| "#{count} #{what}" }.join(', ')}"
  end
end
