import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { writeRecord } from './records.ts'

const SCRIPT = join(import.meta.dirname, '..', 'mongodb-engine')

/** Builds it where it is missing (minutes, said line by line), starts it. @throws why it cannot be had on this machine */
export async function startFerretdb(port: number, say: (line: string) => void): Promise<string> {
  const url = await ferretdb('start', port, say)
  writeRecord({ kind: 'ferretdb', port })
  return url
}

/** One verb of `scripts/mongodb-engine`. @returns the last line that it prints */
export async function ferretdb(verb: 'start' | 'kill' | 'remove', port: number, say?: (line: string) => void): Promise<string> {
  if (process.platform !== 'linux') throw new Error('needs Debian')
  const child = spawn('bash', [SCRIPT, verb, String(port)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let reason = ''
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (reason !== '') say?.(reason)
    reason = line.replace(/^mongodb-engine: /, '')
  })
  const code = new Promise<number>((resolve, reject) => child.once('error', reject).once('close', (exitCode) => resolve(exitCode ?? 1)))
  const [output, exitCode] = await Promise.all([text(child.stdout), code])
  if (exitCode !== 0) throw new Error(reason || `scripts/mongodb-engine ${verb} ends with ${exitCode}`)
  return output.trim().split('\n').at(-1) ?? ''
}
