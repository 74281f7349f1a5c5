import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react'
import type { Messages } from './en/messages.ts'
import { type Catalogue, chooseLanguage, type Language, loadCatalogue } from './languages.ts'

interface LanguageState extends Catalogue {
  readonly language: Language
  readonly choose: (language: Language) => void
}

const LanguageContext = createContext<LanguageState | undefined>(undefined)
const STORED = 'carillon.language'

export function LanguageProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const [language, setLanguage] = useState(() => chooseLanguage(localStorage.getItem(STORED), navigator.languages))
  const [loaded, setLoaded] = useState<Catalogue & { readonly language: Language }>()
  useEffect(() => {
    let isWanted = true
    loadCatalogue(language)
      .then((catalogue) => isWanted && setLoaded({ language, ...catalogue }))
      .catch(() => setLanguage('en'))
    return () => {
      isWanted = false
    }
  }, [language])
  const state = useMemo(
    () =>
      loaded && {
        ...loaded,
        choose: (chosen: Language) => {
          localStorage.setItem(STORED, chosen)
          setLanguage(chosen)
        },
      },
    [loaded],
  )
  useEffect(() => {
    if (loaded !== undefined) document.documentElement.lang = loaded.language
  }, [loaded])
  return state && <LanguageContext value={state}>{children}</LanguageContext>
}

export function useLanguage(): LanguageState {
  const state = useContext(LanguageContext)
  if (state === undefined) throw new Error('outside of LanguageProvider')
  return state
}

/** The texts of the console in the language of its reader. A text with parts is a function. */
export const useMessages = (): Messages => useLanguage().messages
