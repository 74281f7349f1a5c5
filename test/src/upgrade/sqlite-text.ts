import { DatabaseSync } from 'node:sqlite'

/** A SQLite file as statements that make it. */
export function sqliteText(path: string): string {
  const database = new DatabaseSync(path)
  try {
    const schema = database
      .prepare(`select "type", "name", "sql" from "sqlite_schema" where "sql" is not null`)
      .all() as unknown as Schema[]
    // Triggers come last: they are of what is done to the rows, not of their making.
    const order = ['table', 'index', 'trigger']
    const made = schema.toSorted((one, other) => order.indexOf(one.type) - order.indexOf(other.type))
    const rows = made.filter(({ type }) => type === 'table').flatMap(({ name }) => rowsOf(database, name))
    return [...made.map(({ sql }) => sql), ...rows].map((sql) => `${sql};\n`).join('')
  } finally {
    database.close()
  }
}

interface Schema {
  readonly type: string
  readonly name: string
  readonly sql: string
}

function rowsOf(database: DatabaseSync, table: string): string[] {
  const rows = database.prepare(`select * from "${table}"`).all()
  return rows.map((row) => {
    const columns = Object.keys(row).map((column) => `"${column}"`)
    return `insert into "${table}" (${columns.join(', ')}) values (${Object.values(row).map(literal).join(', ')})`
  })
}

function literal(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'number') return String(value)
  // The mark of a text that is kept beside its table is no character that an editor shows.
  if (value === '\u0001') return 'char(1)'
  return `'${String(value).replaceAll("'", "''")}'`
}

export function restoreSqlite(path: string, text: string): void {
  const database = new DatabaseSync(path)
  database.exec(`begin; ${text} commit`)
  database.close()
}
