import GRDB

/// The tables, version by version; a version that was released is never changed.
enum AccountSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(sql: """
                CREATE TABLE account (
                    id INTEGER PRIMARY KEY,
                    name TEXT NOT NULL UNIQUE,
                    password TEXT,
                    scram TEXT,
                    senders TEXT,
                    isDisabled INTEGER NOT NULL DEFAULT 0,
                    created INTEGER NOT NULL,
                    lastUsed INTEGER
                ) STRICT;
                CREATE TABLE appPassword (
                    id INTEGER PRIMARY KEY,
                    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
                    label TEXT NOT NULL,
                    password TEXT NOT NULL,
                    scopes TEXT NOT NULL,
                    created INTEGER NOT NULL,
                    expires INTEGER,
                    lastUsed INTEGER,
                    UNIQUE (account, label)
                ) STRICT;
                CREATE TABLE setting (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
                """)
        }
        return migrator
    }
}
