/** The thread of `Checkpointer`: brings the log of the database whose address it is sent into that database, and answers when it has tried. */
import { DatabaseSync } from 'node:sqlite'
import { parentPort } from 'node:worker_threads'

parentPort?.on('message', (address: string) => {
  try {
    const database = new DatabaseSync(new URL(address))
    try {
      database.exec('pragma wal_checkpoint(passive)')
    } finally {
      database.close()
    }
  } catch {
    // Nothing is lost: the commit that finds the log too long tries again, and says what is wrong.
  }
  parentPort?.postMessage('done')
})
