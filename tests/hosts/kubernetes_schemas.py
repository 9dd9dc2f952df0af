"""JSON Schemas of what is no object of Kubernetes itself, strict: a field that they do not know is an error.

MiniCluster: the fields and types of the Flux Operator's own Python SDK (PyPI fluxoperator 0.2.0, v1alpha2). kind: those
of its configuration v1alpha4 (https://kind.sigs.k8s.io/docs/user/configuration/).
"""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string"}
FLAG = {"type": "boolean"}
COUNT = {"type": "integer", "minimum": 0}
LABEL = {"type": "string", "pattern": "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$"}
TEXTS = {"type": "object", "additionalProperties": TEXT}
ANYTHING = {"type": "object"}


def fields(required: str = "", /, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def each(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": schema}


QUANTITIES = each({"type": ["integer", "string"]})
RESOURCES = fields(limits=QUANTITIES, requests=QUANTITIES)
VOLUME = fields(
    "path",
    path=TEXT,
    claimName=LABEL,
    configMapName=LABEL,
    hostPath=TEXT,
    items=TEXTS,
    readOnly=FLAG,
    secretName=LABEL,
)
COMMANDS = fields(
    brokerPre=TEXT, init=TEXT, post=TEXT, pre=TEXT, prefix=TEXT, script=TEXT, servicePre=TEXT, workerPre=TEXT
)
CONTAINER = fields(
    "image",
    batch=FLAG,
    batchRaw=FLAG,
    command=TEXT,
    commands=COMMANDS,
    environment=TEXTS,
    image=TEXT,
    imagePullSecret=TEXT,
    launcher=FLAG,
    lifeCycle=ANYTHING,
    logs=TEXT,
    name=TEXT,
    noWrapEntrypoint=FLAG,
    ports={"type": "array", "items": COUNT},
    pullAlways=FLAG,
    resources=RESOURCES,
    runFlux=FLAG,
    secrets=each(fields("name key", name=LABEL, key=TEXT)),
    securityContext=ANYTHING,
    volumes=each(VOLUME),
    workingDir=TEXT,
)
FLUX_CONTAINER = fields(
    disable=FLAG,
    image=TEXT,
    imagePullSecret=TEXT,
    mountPath=TEXT,
    name=TEXT,
    pullAlways=FLAG,
    pythonPath=TEXT,
    resources=RESOURCES,
    workingDir=TEXT,
)
FLUX = fields(
    arch=TEXT,
    brokerConfig=TEXT,
    bursting=ANYTHING,
    completeWorkers=FLAG,
    connectTimeout=TEXT,
    container=FLUX_CONTAINER,
    curveCert=TEXT,
    logLevel=COUNT,
    minimalService=FLAG,
    mungeSecret=TEXT,
    noWaitSocket=FLAG,
    optionFlags=TEXT,
    scheduler=ANYTHING,
    submitCommand=TEXT,
    wrap=TEXT,
)
POD = fields(
    annotations=TEXTS,
    labels=TEXTS,
    nodeSelector=TEXTS,
    resources=QUANTITIES,
    schedulerName=TEXT,
    serviceAccountName=TEXT,
)
SPEC = fields(
    "size containers",
    archive=ANYTHING,
    cleanup=FLAG,
    containers={"type": "array", "minItems": 1, "items": CONTAINER},
    deadlineSeconds=COUNT,
    flux=FLUX,
    interactive=FLAG,
    jobLabels=TEXTS,
    logging=ANYTHING,
    maxSize=COUNT,
    minSize=COUNT,
    network=fields(disableAffinity=FLAG, headlessName=LABEL),
    pod=POD,
    services={"type": "array"},
    shareProcessNamespace=FLAG,
    size={"type": "integer", "minimum": 1},
    tasks=COUNT,
)
MINICLUSTER = fields(
    "apiVersion kind metadata spec",
    apiVersion={"const": "flux-framework.org/v1alpha2"},
    kind={"const": "MiniCluster"},
    metadata=fields("name namespace", name=LABEL, namespace=LABEL),
    spec=SPEC,
)

PORT_MAPPING = fields(
    "containerPort",
    containerPort=COUNT,
    hostPort=COUNT,
    listenAddress=TEXT,
    protocol={"enum": ["TCP", "UDP", "SCTP"]},
)
KIND = fields(
    "apiVersion kind nodes",
    apiVersion={"const": "kind.x-k8s.io/v1alpha4"},
    kind={"const": "Cluster"},
    name=LABEL,
    networking=ANYTHING,
    featureGates=ANYTHING,
    runtimeConfig=TEXTS,
    nodes={
        "type": "array",
        "minItems": 1,
        "items": fields(
            "role",
            role={"enum": ["control-plane", "worker"]},
            image=TEXT,
            labels=TEXTS,
            extraMounts={"type": "array"},
            extraPortMappings={"type": "array", "items": PORT_MAPPING},
            kubeadmConfigPatches={"type": "array", "items": TEXT},
        ),
    },
)
