/** What an artifact is, by its name alone; users filter and draw by it. */
export type ArtifactType =
  | 'model'
  | 'onnx'
  | 'checkpoint'
  | 'config'
  | 'plot'
  | 'data'
  | 'report'
  | 'log'
  | 'code'
  | 'archive'
  | 'other'

/** How the bytes are served: within the page, or only as a download. */
export type Disposition = 'inline' | 'attachment'

export interface ArtifactTypeInfo {
  readonly type: ArtifactType
  /** Media type; registered with IANA where there is one. */
  readonly contentType: string
  readonly disposition: Disposition
}

const BINARY = 'application/octet-stream'
const TEXT = 'text/plain; charset=utf-8'

/**
 * What can run script when a browser opens it (HTML, SVG, XML, PDF) is an attachment, whatever its type: artifacts
 * come from training jobs, and the page that shows them has a session.
 */
const BY_EXTENSION: ReadonlyMap<string, ArtifactTypeInfo> = new Map([
  // Serialized models
  ...rows(
    'model',
    BINARY,
    'attachment',
    'pkl',
    'pickle',
    'joblib',
    'pt',
    'pth',
    'keras',
    'safetensors',
    'gguf',
  ),
  ...rows('model', BINARY, 'attachment', 'bin', 'pb', 'tflite', 'cbm', 'ubj', 'mlmodel', 'engine', 'dill'),
  ...rows('model', 'application/x-hdf5', 'attachment', 'h5', 'hdf5'),
  ...rows('onnx', BINARY, 'attachment', 'onnx'),
  ...rows('checkpoint', BINARY, 'attachment', 'ckpt'),
  // Configuration
  ...rows('config', 'application/json', 'inline', 'json'),
  ...rows('config', 'application/yaml', 'inline', 'yaml', 'yml'),
  ...rows('config', 'application/toml', 'inline', 'toml'),
  ...rows('config', TEXT, 'inline', 'ini', 'cfg', 'conf', 'properties', 'env'),
  ...rows('config', 'application/xml', 'attachment', 'xml'),
  // Evaluation plots
  ...rows('plot', 'image/png', 'inline', 'png'),
  ...rows('plot', 'image/jpeg', 'inline', 'jpg', 'jpeg'),
  ...rows('plot', 'image/gif', 'inline', 'gif'),
  ...rows('plot', 'image/webp', 'inline', 'webp'),
  ...rows('plot', 'image/svg+xml', 'attachment', 'svg'),
  // Data samples
  ...rows('data', 'text/csv; charset=utf-8', 'inline', 'csv'),
  ...rows('data', 'text/tab-separated-values; charset=utf-8', 'inline', 'tsv'),
  ...rows('data', 'application/x-ndjson', 'inline', 'jsonl', 'ndjson'),
  ...rows('data', 'application/vnd.apache.parquet', 'attachment', 'parquet'),
  ...rows('data', 'application/vnd.apache.arrow.file', 'attachment', 'arrow', 'feather'),
  ...rows('data', BINARY, 'attachment', 'npy', 'npz', 'tfrecord', 'avro', 'orc'),
  // Text reports
  ...rows('report', TEXT, 'inline', 'txt', 'rst'),
  ...rows('report', 'text/markdown; charset=utf-8', 'inline', 'md'),
  ...rows('report', 'text/html; charset=utf-8', 'attachment', 'html', 'htm'),
  ...rows('report', 'application/xhtml+xml', 'attachment', 'xhtml'),
  ...rows('report', 'application/pdf', 'attachment', 'pdf'),
  ...rows('log', TEXT, 'inline', 'log', 'out', 'err'),
  // Source
  ...rows('code', TEXT, 'inline', 'py', 'r', 'sql', 'sh'),
  ...rows('code', 'application/x-ipynb+json', 'attachment', 'ipynb'),
  // Archives
  ...rows('archive', 'application/x-tar', 'attachment', 'tar'),
  ...rows('archive', 'application/gzip', 'attachment', 'gz', 'tgz'),
  ...rows('archive', 'application/zstd', 'attachment', 'zst'),
  ...rows('archive', 'application/zip', 'attachment', 'zip', 'whl'),
  ...rows('archive', 'application/x-bzip2', 'attachment', 'bz2'),
  ...rows('archive', 'application/x-xz', 'attachment', 'xz'),
])

/** MLflow's own files, which have no extension and hold YAML. */
const BY_NAME: ReadonlyMap<string, ArtifactTypeInfo> = new Map([
  ['MLmodel', { type: 'config', contentType: 'application/yaml', disposition: 'inline' }],
  ['MLproject', { type: 'config', contentType: 'application/yaml', disposition: 'inline' }],
])

const UNKNOWN: ArtifactTypeInfo = { type: 'other', contentType: BINARY, disposition: 'attachment' }

/** The extensions of the table, lower-case and without a dot. */
export const ARTIFACT_EXTENSIONS: readonly string[] = [...BY_EXTENSION.keys()]

/**
 * Type, content type and disposition of an artifact, by the last extension of its name, in any case. The content
 * type that a client sent is never asked. A name without a known extension is `other`, and served as bytes.
 */
export function artifactTypeOf(path: string): ArtifactTypeInfo {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const dot = name.lastIndexOf('.')
  const byExtension = dot === -1 ? undefined : BY_EXTENSION.get(name.slice(dot + 1).toLowerCase())
  return BY_NAME.get(name) ?? byExtension ?? UNKNOWN
}

function rows(
  type: ArtifactType,
  contentType: string,
  disposition: Disposition,
  ...extensions: string[]
): [string, ArtifactTypeInfo][] {
  return extensions.map((extension) => [extension, { type, contentType, disposition }])
}
