/** Ends, kills and revives what was started here, whichever kind it is and whichever process started it. */
import { rmSync } from 'node:fs'
import { ferretdb } from './ferretdb.ts'
import { endMongod, resumeMongod } from './mongod.ts'
import { deleteRecord, type EngineRecord, readRecord } from './records.ts'

function mustRead(port: number): EngineRecord {
  const record = readRecord(port)
  if (record === undefined) throw new Error(`no engine was started here on port ${port}`)
  return record
}

/** kill -9; the data stays. */
export async function killEngine(port: number): Promise<void> {
  const record = mustRead(port)
  if (record.kind === 'ferretdb') await ferretdb('kill', port)
  else await endMongod(record, 'SIGKILL')
}

/** Starts it on its data, unless it runs. @returns its URL */
export async function restartEngine(port: number): Promise<string> {
  const record = mustRead(port)
  return record.kind === 'ferretdb' ? ferretdb('start', port) : resumeMongod(record)
}

/** Ends it and deletes its data. */
export async function stopEngine(port: number): Promise<void> {
  const record = readRecord(port)
  if (record === undefined) return
  if (record.kind === 'ferretdb') await ferretdb('remove', port)
  else {
    await endMongod(record, 'SIGTERM')
    rmSync(record.folder, { recursive: true, force: true })
  }
  deleteRecord(port)
}
