/** A page that a browser has reached. */
export interface Page {
  readonly url: URL
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

const REDIRECTS = 12

/** A browser that goes to pages of several sites, follows where they lead, and keeps the cookies of each. */
export class NavigatingBrowser {
  /** By origin, which is stricter than browsers are. */
  readonly cookies = new Map<string, Map<string, string>>()
  /** Where it was led on the way to its last page. */
  readonly way: URL[] = []

  /** @param until stops before it goes there */
  async go(url: string | URL, { form, until }: { form?: Record<string, string>; until?: (url: URL) => boolean } = {}): Promise<Page> {
    this.way.length = 0
    let at = new URL(url)
    for (let count = 0, body = form; count < REDIRECTS; count++, body = undefined) {
      this.way.push(at)
      const response = await this.#send(at, body)
      const location = response.headers.get('location')
      if (location === null) return { url: at, status: response.status, text: await response.text(), headers: response.headers }
      await response.arrayBuffer()
      at = new URL(location, at)
      if (until?.(at)) return { url: at, status: response.status, text: '', headers: response.headers }
    }
    throw new Error(`no end of redirects at ${at}`)
  }

  /** Signs in and agrees on the pages of the test's provider, if they are shown. */
  async pass(page: Page, name: string, options: { until?: (url: URL) => boolean } = {}): Promise<Page> {
    let at = page
    for (let form = formOf(at); form !== undefined; form = formOf(at)) {
      const fields = { prompt: form.prompt, ...(form.prompt === 'login' ? { login: name, password: 'any' } : {}) }
      at = await this.go(form.action, { form: fields, ...options })
    }
    return at
  }

  cookie(origin: string, name: RegExp): string | undefined {
    return [...(this.cookies.get(origin) ?? [])].find(([key]) => name.test(key))?.join('=')
  }

  async #send(url: URL, form: Record<string, string> | undefined): Promise<Response> {
    const jar = this.cookies.get(url.origin) ?? new Map<string, string>()
    this.cookies.set(url.origin, jar)
    const headers = {
      ...{ accept: 'text/html,*/*', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      ...(jar.size > 0 ? { cookie: [...jar].map((pair) => pair.join('=')).join('; ') } : {}),
    }
    const sent = form === undefined ? { method: 'GET' } : { method: 'POST', body: new URLSearchParams(form) }
    const response = await fetch(url, { ...sent, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split(/=(.*)/s)
      if (/max-age=0|expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(name)
      else jar.set(name, value)
    }
    return response
  }
}

function formOf({ text }: Page): { readonly action: string; readonly prompt: string } | undefined {
  const action = /<form[^>]* action="([^"]+)"/.exec(text)?.[1]
  const prompt = /name="prompt" value="(\w+)"/.exec(text)?.[1]
  return action === undefined || prompt === undefined ? undefined : { action, prompt }
}
