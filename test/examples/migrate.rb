# What `rails db:migrate VERSION=…` does, without Rails: migrate.rb DIRECTORY VERSION
# The database is the one that PGHOST and so on name.

require "active_record"

directory, version = ARGV
ActiveRecord::Base.establish_connection(adapter: "postgresql", database: ENV.fetch("PGDATABASE"))
ActiveRecord::Base.logger = nil
ActiveRecord::Migrator.migrations_paths = [directory]
# The pool's from Rails 7.2 on, the connection's before.
pool = ActiveRecord::Base.connection_pool
migrations = (pool.respond_to?(:migration_context) ? pool : ActiveRecord::Base.connection).migration_context
migrations.migrate(Integer(version, 10))
