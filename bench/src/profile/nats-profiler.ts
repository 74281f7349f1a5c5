import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@carillon/wire/testing'
import { z } from 'zod'

const VARZ = z.object({ in_msgs: z.number(), out_msgs: z.number(), in_bytes: z.number(), out_bytes: z.number() })

/** What clients have sent to nats-server, and it to them, since its start. */
export interface Traffic {
  readonly messagesIn: number
  readonly messagesOut: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** The profiler of Go in nats-server, and its counters, which the server offers on ports when its command line says so. */
export class NatsProfiler {
  readonly #profilePort: number
  readonly #monitorPort: number

  private constructor(profilePort: number, monitorPort: number) {
    this.#profilePort = profilePort
    this.#monitorPort = monitorPort
  }

  /** From now on every mesh starts the nats-server of `CARILLON_NATS_SERVER` with them. One mesh at a time: the ports are fixed. */
  static async open(folder: string): Promise<NatsProfiler> {
    const server = process.env['CARILLON_NATS_SERVER']
    if (!server) throw new Error('CARILLON_NATS_SERVER is not set; `npm run bench -- --profile` sets it')
    const [profilePort, monitorPort] = [await freePort(), await freePort()]
    mkdirSync(folder, { recursive: true })
    const script = join(folder, 'nats-server')
    writeFileSync(
      script,
      `#!/bin/sh\nexec '${server.replaceAll("'", `'\\''`)}' --profile ${profilePort} --http_port ${monitorPort} "$@"\n`,
      { mode: 0o755 },
    )
    process.env['CARILLON_NATS_SERVER'] = script
    return new NatsProfiler(profilePort, monitorPort)
  }

  /** @returns a compressed profile of the next seconds, for `go tool pprof` */
  async profile(kind: 'profile' | 'allocs', seconds: number): Promise<Uint8Array> {
    return new Uint8Array(await (await this.#get(this.#profilePort, `/debug/pprof/${kind}?seconds=${seconds}`)).arrayBuffer())
  }

  async traffic(): Promise<Traffic> {
    const varz = VARZ.parse(await (await this.#get(this.#monitorPort, '/varz')).json())
    return { messagesIn: varz.in_msgs, messagesOut: varz.out_msgs, bytesIn: varz.in_bytes, bytesOut: varz.out_bytes }
  }

  async #get(port: number, path: string): Promise<Response> {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    if (!response.ok) throw new Error(`nats-server answered ${response.status} to ${path}: ${await response.text()}`)
    return response
  }
}
