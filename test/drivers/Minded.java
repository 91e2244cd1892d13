// What docs/drivers.md says about JDBC: one line for each statement, the result or the SQLSTATE.

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;

class Minded {
    interface Step {
        PreparedStatement run(Connection connection) throws SQLException;
    }

    static void show(String what, boolean autocommit, Step step) throws SQLException {
        try (var connection = DriverManager.getConnection(System.getenv("JDBC_URL"))) {
            connection.setAutoCommit(autocommit);
            try (var result = step.run(connection).executeQuery()) {
                result.next();
                System.out.println(what + ": " + result.getString(1));
            } catch (SQLException error) {
                System.out.println(what + ": " + error.getSQLState());
            }
        }
    }

    static PreparedStatement declared(Connection connection, String query, String json) throws SQLException {
        var declare = connection.prepareStatement("DECLARE new_values CURSOR FOR " + query);
        if (json != null) {
            declare.setString(1, json);
        }
        declare.execute();
        return connection.prepareStatement("SELECT rows_updated FROM bulk_update(?, ?, report => 'total')");
    }

    static PreparedStatement named(PreparedStatement call) throws SQLException {
        call.setString(1, "objects");
        call.setString(2, "new_values");
        return call;
    }

    static PreparedStatement withColumns(Connection connection, String parameter) throws SQLException {
        declared(connection, "SELECT 1, 2", null);
        return named(connection.prepareStatement(
            "SELECT rows_updated FROM bulk_update(?, ?, " + parameter + ", report => 'total')"));
    }

    public static void main(String[] arguments) throws SQLException {
        String records = " AS n(id bigint, field1 integer)";
        String json = "[{\"id\": 1, \"field1\": 10}]";
        show("name of the cursor", false, c -> named(declared(c, "SELECT 1 AS id, 2 AS field1", null)));
        show("JSON, no cast", false, c -> named(declared(c, "SELECT * FROM jsonb_to_recordset(?)" + records, json)));
        show("JSON, cast", false, c -> named(declared(c, "SELECT * FROM jsonb_to_recordset(?::jsonb)" + records, json)));
        show("autocommit", true, c -> named(declared(c, "SELECT 1 AS id, 2 AS field1", null)));
        show("columns, no cast", false, c -> {
            var call = withColumns(c, "?");
            call.setString(3, "{id, field1}");
            return call;
        });
        show("columns, cast", false, c -> {
            var call = withColumns(c, "?::name[]");
            call.setString(3, "{id, field1}");
            return call;
        });
        show("columns, array", false, c -> {
            var call = withColumns(c, "?");
            call.setArray(3, c.createArrayOf("text", new Object[] {"id", "field1"}));
            return call;
        });
        show("arrays", false, c -> {
            var call = c.prepareStatement("SELECT rows_updated FROM bulk_update_arrays('objects', '{id, field1}',"
                + " ROW(?, ?), report => 'total')");
            call.setArray(1, c.createArrayOf("bigint", new Object[] {1, 2}));
            call.setArray(2, c.createArrayOf("integer", new Object[] {10, null}));
            return call;
        });
    }
}
