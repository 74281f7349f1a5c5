import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@carillon/wire/testing'

/** The profiler of Go in nats-server, which the server offers on a port when its command line says so. */
export class NatsProfiler {
  readonly #port: number

  private constructor(port: number) {
    this.#port = port
  }

  /** From now on every mesh starts the nats-server of `CARILLON_NATS_SERVER` with its profiler. One mesh at a time: there is one port. */
  static async open(folder: string): Promise<NatsProfiler> {
    const server = process.env['CARILLON_NATS_SERVER']
    if (!server) throw new Error('CARILLON_NATS_SERVER is not set; `npm run bench -- --profile` sets it')
    const port = await freePort()
    mkdirSync(folder, { recursive: true })
    const script = join(folder, 'nats-server')
    writeFileSync(script, `#!/bin/sh\nexec '${server.replaceAll("'", `'\\''`)}' --profile ${port} "$@"\n`, { mode: 0o755 })
    process.env['CARILLON_NATS_SERVER'] = script
    return new NatsProfiler(port)
  }

  /** @returns a compressed profile of the next seconds, for `go tool pprof` */
  async profile(kind: 'profile' | 'allocs', seconds: number): Promise<Uint8Array> {
    const url = `http://127.0.0.1:${this.#port}/debug/pprof/${kind}?seconds=${seconds}`
    const response = await fetch(url)
    if (!response.ok) throw new Error(`nats-server answered ${response.status} to ${url}: ${await response.text()}`)
    return new Uint8Array(await response.arrayBuffer())
  }
}
