import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Certificates {
  readonly ca: string
  readonly server: { readonly cert: string; readonly key: string }
  readonly client: { readonly cert: string; readonly key: string }
}

/** An authority, and certificates of a server on this machine and of a client that it signed, as files of a folder. */
export function makeCertificates(folder: string): Certificates {
  const openssl = (...options: string[]) => execFileSync('openssl', options, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc']
  openssl('req', '-x509', ...curve, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Carillon test authority', '-days', '2')
  writeFileSync(join(folder, 'san.txt'), 'subjectAltName=IP:127.0.0.1,DNS:localhost')
  const sign = (name: string) => {
    openssl('req', ...curve, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial']
    openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.pem`, '-days', '2', '-extfile', 'san.txt')
    return { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) }
  }
  return { ca: join(folder, 'ca.pem'), server: sign('server'), client: sign('client') }
}
