"""The manifests of the server: Deployment, Service, Ingress, Secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_compat.hosts.kubernetes.settings import Settings

SECRET = "RAINBOW_SECRET"  # noqa: S105, a name
TOKEN = "RAINBOW_GLOBAL_TOKEN"  # noqa: S105, a name
"""Environment variables that the server reads, and keys of the Secret that they come from."""

CERTIFICATES = "/etc/rainbow/tls"
DATABASE = "/var/lib/rainbow"
"""Folders in pods."""

NOBODY = 65534
"""The user and group that the server runs as."""

Manifest = dict[str, Any]


def secret(settings: Settings, values: Mapping[str, str]) -> Manifest:
    """Return the Secret with registration secret and global token, given by key."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _metadata(settings, settings.credentials),
        "type": "Opaque",
        "stringData": {key: values[key] for key in (SECRET, TOKEN)},
    }


def service(settings: Settings) -> Manifest:
    """Return the headless Service, whose name stands for the address of the pod."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(settings, settings.name),
        "spec": {
            "clusterIP": "None",
            "selector": {"app": settings.name},
            "ports": [{"name": "grpc", "port": settings.port, "targetPort": "grpc"}],
        },
    }


def ingress(settings: Settings) -> Manifest:
    """Return the Ingress, with what tells ingress-nginx that behind it is gRPC, and whether with TLS.

    Where the server asks for certificates of clients, TLS has to reach it as it is: a controller that ended it would
    have no certificate to show.
    """
    nginx = "nginx.ingress.kubernetes.io"
    annotations = {f"{nginx}/backend-protocol": "GRPCS" if settings.tls_secret else "GRPC"}
    if settings.mutual_tls:
        annotations[f"{nginx}/ssl-passthrough"] = "true"
    tls = [{"hosts": [settings.ingress_host], "secretName": settings.tls_secret}]
    backend = {"service": {"name": settings.name, "port": {"number": settings.port}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {**_metadata(settings, settings.name), "annotations": annotations},
        "spec": {
            "ingressClassName": settings.ingress_class,
            **({"tls": tls} if settings.tls_secret else {}),
            "rules": [
                {
                    "host": settings.ingress_host,
                    "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
                }
            ],
        },
    }


def deployment(settings: Settings) -> Manifest:
    """Return the Deployment of one server, as a user without rights."""
    labels = {"app": settings.name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(settings, settings.name),
        "spec": {
            "replicas": 1,
            # One server at a time uses a database, so the old one has to go before the new one starts.
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": NOBODY,
                        "runAsGroup": NOBODY,
                        "fsGroup": NOBODY,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [_container(settings)],
                    "volumes": _volumes(settings),
                },
            },
        },
    }


def _metadata(settings: Settings, name: str) -> dict[str, Any]:
    """Return name, namespace and label."""
    return {"name": name, "namespace": settings.namespace, "labels": {"app": settings.name}}


def _container(settings: Settings) -> dict[str, Any]:
    mounts: list[dict[str, Any]] = [{"name": "database", "mountPath": DATABASE}]
    if settings.tls_secret:
        mounts.append({"name": "tls", "mountPath": CERTIFICATES, "readOnly": True})
    return {
        "name": "rainbow",
        "image": settings.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-m", "pytest_compat", "rainbow"],
        "args": _arguments(settings),
        "env": [
            {"name": key, "valueFrom": {"secretKeyRef": {"name": settings.credentials, "key": key}}}
            for key in (SECRET, TOKEN)
        ],
        "ports": [{"name": "grpc", "containerPort": settings.port}],
        "startupProbe": {**_probe(settings), "periodSeconds": 2, "failureThreshold": 60},
        "readinessProbe": {**_probe(settings), "periodSeconds": 5},
        "livenessProbe": {**_probe(settings), "periodSeconds": 10, "timeoutSeconds": 5},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }


def _arguments(settings: Settings) -> list[str]:
    arguments = ["--host", f":{settings.port}", "--name", settings.name, "--db", f"{DATABASE}/rainbow.db"]
    arguments += ["--logformat", "json"]
    if settings.tls_secret:
        arguments += ["--cert", f"{CERTIFICATES}/tls.crt", "--key", f"{CERTIFICATES}/tls.key"]
    if settings.mutual_tls:
        arguments += ["--ca-cert", f"{CERTIFICATES}/ca.crt"]
    return arguments


def _probe(settings: Settings) -> dict[str, Any]:
    """Return the question whether the server is well: gRPC's own, which the kubelet cannot ask over TLS."""
    return {"tcpSocket": {"port": settings.port}} if settings.tls_secret else {"grpc": {"port": settings.port}}


def _volumes(settings: Settings) -> list[dict[str, Any]]:
    claim = settings.database_claim
    kept: dict[str, Any] = {"persistentVolumeClaim": {"claimName": claim}} if claim else {"emptyDir": {}}
    volumes = [{"name": "database", **kept}]
    if settings.tls_secret:
        volumes.append({"name": "tls", "secret": {"secretName": settings.tls_secret, "defaultMode": 0o440}})
    return volumes
