import type { ErrorCode, Reason } from '@carillon/contracts'
import type { Messages } from './en/messages.ts'

export const LANGUAGES = ['en', 'zh-CN'] as const
export type Language = (typeof LANGUAGES)[number]

/** As the language calls itself. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: 'English', 'zh-CN': '简体中文' }

/** What there is in a language. */
export interface Catalogue {
  readonly messages: Messages
  /** What the error codes say; in English the mesh says it itself. */
  readonly problems: Readonly<Partial<Record<ErrorCode, string>>>
  /** What the reasons of states say; the same. */
  readonly reasons: Readonly<Partial<Record<Reason, string>>>
}

const CATALOGUES: Readonly<Record<Language, () => Promise<Catalogue>>> = {
  en: async () => ({ messages: (await import('./en/messages.ts')).en, problems: {}, reasons: {} }),
  'zh-CN': async () => {
    const [{ zhCn }, { problems }, { reasons }] = await Promise.all([
      import('./zh-cn/messages.ts'),
      import('./zh-cn/problems.ts'),
      import('./zh-cn/reasons.ts'),
    ])
    return { messages: zhCn, problems, reasons }
  },
}

/** Only the catalogue in use is loaded. */
export const loadCatalogue = (language: Language): Promise<Catalogue> => CATALOGUES[language]()

/** The first of the reader's languages that there is; English otherwise. */
export function chooseLanguage(stored: string | null, preferred: readonly string[]): Language {
  const wanted = [...(stored === null ? [] : [stored]), ...preferred]
  for (const tag of wanted) {
    if (LANGUAGES.includes(tag as Language)) return tag as Language
    if (tag === 'en' || tag.startsWith('en-')) return 'en'
    if (tag === 'zh' || tag.startsWith('zh-')) return 'zh-CN'
  }
  return 'en'
}
