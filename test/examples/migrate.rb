# What `rails db:migrate VERSION=…` does, without Rails: migrate.rb DIRECTORY VERSION
# The database is the one that PGHOST and so on name.

require "active_record"

directory, version = ARGV
ActiveRecord::Base.establish_connection(adapter: "postgresql", database: ENV.fetch("PGDATABASE"))
ActiveRecord::Base.logger = nil
ActiveRecord::Migrator.migrations_paths = [directory]
ActiveRecord::Base.connection.migration_context.migrate(Integer(version, 10))
