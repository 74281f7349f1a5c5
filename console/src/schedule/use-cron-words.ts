import { useEffect, useState } from 'react'
import { useLanguage } from '../language/language-context.tsx'
import type { Language } from '../language/languages.ts'
import { type CronDescriber, cronWords } from './words.ts'

/** Names of the library for its languages. */
const LOCALES: Readonly<Record<Language, string>> = { en: 'en', 'zh-CN': 'zh_CN' }

let loaded: CronDescriber | undefined

/** Loads what describes expressions when something with a schedule is shown. */
async function load(): Promise<CronDescriber> {
  const [{ default: describer }] = await Promise.all([import('cronstrue'), import('cronstrue/locales/zh_CN.js')])
  loaded = describer as unknown as CronDescriber
  return loaded
}

/** Expressions in the reader's language; until the library is there, and for what is none, undefined. */
export function useCronWords(): (cron: string) => string | undefined {
  const { language } = useLanguage()
  const [describer, setDescriber] = useState(loaded)
  useEffect(() => {
    if (describer !== undefined) return undefined
    let isWanted = true
    load()
      .then((library) => isWanted && setDescriber(() => library))
      .catch(() => undefined)
    return () => {
      isWanted = false
    }
  }, [describer])
  return (cron) => (describer === undefined ? undefined : cronWords(cron, describer, LOCALES[language]))
}
