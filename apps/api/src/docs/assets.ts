import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type express from 'express'
import { Router } from 'express'

const swaggerUi = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
const OF_SWAGGER_UI = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'] as const

/** The files that the page of the document loads, from this server alone. */
export function docsAssets(): Router {
  const router = Router({ strict: true, caseSensitive: true })
  for (const name of OF_SWAGGER_UI) router.get(`/${name}`, sender(join(swaggerUi, name)))
  router.get('/init.js', sender(join(import.meta.dirname, 'init.js')))
  return router
}

function sender(file: string): express.RequestHandler {
  return (_request, response, next) => {
    response.sendFile(file, { maxAge: '1h', cacheControl: true }, (error?: Error) => {
      if (error !== undefined && error !== null && !response.headersSent) next(error)
    })
  }
}
