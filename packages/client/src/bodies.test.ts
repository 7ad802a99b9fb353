import type {
  AcceptedResponse,
  ArtifactFile as ArtifactFileResponse,
  ArtifactListResponse,
  ExperimentResponse,
  JobFileResponse,
  JobResponse,
  Problem as ProblemResponse,
  RunResponse,
  TokenResponse,
} from '@lading/protocol'
import { expectTypeOf, test } from 'vitest'
import type {
  Accepted,
  ArtifactFile,
  ExperimentBody,
  Job,
  JobFile,
  Problem,
  RunBody,
  TokenBody,
} from './bodies.ts'
import type { Artifact } from './options.ts'

/** Codes of errors are an open set for clients: a newer server may have more. */
type AnyCode<T> = T extends { error?: infer E }
  ? Omit<T, 'error'> & { error?: WithText<NonNullable<E>> | undefined }
  : T
type WithText<E> = Omit<E, 'code'> & { code: string }

test('what the client reads has the types of the schemas that the OpenAPI document is made of', () => {
  expectTypeOf<ExperimentResponse>().toExtend<ExperimentBody>()
  expectTypeOf<RunResponse>().toExtend<RunBody>()
  expectTypeOf<TokenResponse>().toExtend<TokenBody>()
  expectTypeOf<JobResponse>().toExtend<Job>()
  expectTypeOf<JobFileResponse>().toExtend<JobFile>()
  expectTypeOf<AcceptedResponse>().toExtend<Accepted>()
  expectTypeOf<ProblemResponse>().toExtend<Problem>()
  expectTypeOf<ArtifactListResponse['artifacts'][number]>().toExtend<Artifact>()
})

test('and leaves nothing of them out', () => {
  expectTypeOf<ExperimentBody>().toExtend<ExperimentResponse>()
  expectTypeOf<RunBody>().toExtend<RunResponse>()
  expectTypeOf<TokenBody>().toExtend<TokenResponse>()
  expectTypeOf<Job>().toExtend<AnyCode<JobResponse>>()
  expectTypeOf<JobFile>().toExtend<AnyCode<JobFileResponse>>()
  expectTypeOf<Accepted>().toExtend<AcceptedResponse>()
  expectTypeOf<Problem>().toExtend<ProblemResponse>()
  expectTypeOf<Artifact>().toExtend<ArtifactListResponse['artifacts'][number]>()
})

test('optional fields neither', () => {
  expectTypeOf<keyof ArtifactFile>().toEqualTypeOf<keyof ArtifactFileResponse>()
  expectTypeOf<keyof Job>().toEqualTypeOf<keyof JobResponse>()
  expectTypeOf<keyof JobFile>().toEqualTypeOf<keyof JobFileResponse>()
  expectTypeOf<keyof Problem>().toEqualTypeOf<keyof ProblemResponse>()
})
