import { z } from 'zod'
import { idParam } from './fields.ts'

export const ResumableParams = z.strictObject({ upload_id: idParam('resumable upload') })
