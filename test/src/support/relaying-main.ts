/** A process whose relay publishes what it claims, and cannot delete it. */
import { connect } from '@carillon/sdk'
import pg from 'pg'

const { URL: servers = '', NAMESPACE: namespace = '', TABLE: table = '', PG = '{}' } = process.env
const pool = new pg.Pool(JSON.parse(PG) as pg.PoolConfig)
const mesh = await connect({ servers, service: 'relay', namespace, signals: false })
const postgres = {
  query: async (text: string, values?: unknown[]): Promise<{ rows: unknown[] }> => {
    if (!text.startsWith('delete')) return pool.query(text, values)
    process.send?.('published')
    return new Promise(() => undefined)
  },
}
mesh.outbox.relay({ postgres }, { table })
