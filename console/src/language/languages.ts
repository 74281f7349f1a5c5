import type { Messages } from './en/messages.ts'

export const LANGUAGES = ['en', 'zh-CN'] as const
export type Language = (typeof LANGUAGES)[number]

/** As the language calls itself. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: 'English', 'zh-CN': '简体中文' }

const CATALOGUES: Readonly<Record<Language, () => Promise<Messages>>> = {
  en: async () => (await import('./en/messages.ts')).en,
  'zh-CN': async () => (await import('./zh-cn/messages.ts')).zhCn,
}

/** Only the catalogue in use is loaded. */
export const loadMessages = (language: Language): Promise<Messages> => CATALOGUES[language]()

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
