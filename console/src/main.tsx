import './design/tokens.css'
import './design/base.css'
import { CSPProvider } from '@base-ui/react/csp-provider'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createQueryClient } from './api/query-client.ts'
import { LanguageProvider } from './language/language-context.tsx'
import { createConsoleRouter } from './routes/router.tsx'
import { SessionGate } from './session/session-gate.tsx'
import { applyTheme, storedTheme } from './shell/theme.ts'

applyTheme(storedTheme())
const queries = createQueryClient()
const router = createConsoleRouter(queries)

createRoot(document.getElementById('console') as HTMLElement).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queries}>
        <LanguageProvider>
          <SessionGate>
            <RouterProvider router={router} />
          </SessionGate>
        </LanguageProvider>
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
)
