package io.github.stubtail.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Tells what is unusual, how sure that is, and what was expected instead. Every error carries
 * google.rpc.ErrorInfo with an ErrorReason.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class AnomalyServiceGrpc {

  private AnomalyServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "stubtail.v1.AnomalyService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.stubtail.v1.DetectRequest,
      io.github.stubtail.v1.DetectResponse> getDetectMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Detect",
      requestType = io.github.stubtail.v1.DetectRequest.class,
      responseType = io.github.stubtail.v1.DetectResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.stubtail.v1.DetectRequest,
      io.github.stubtail.v1.DetectResponse> getDetectMethod() {
    io.grpc.MethodDescriptor<io.github.stubtail.v1.DetectRequest, io.github.stubtail.v1.DetectResponse> getDetectMethod;
    if ((getDetectMethod = AnomalyServiceGrpc.getDetectMethod) == null) {
      synchronized (AnomalyServiceGrpc.class) {
        if ((getDetectMethod = AnomalyServiceGrpc.getDetectMethod) == null) {
          AnomalyServiceGrpc.getDetectMethod = getDetectMethod =
              io.grpc.MethodDescriptor.<io.github.stubtail.v1.DetectRequest, io.github.stubtail.v1.DetectResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Detect"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.stubtail.v1.DetectRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.stubtail.v1.DetectResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AnomalyServiceMethodDescriptorSupplier("Detect"))
              .build();
        }
      }
    }
    return getDetectMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.stubtail.v1.WatchRequest,
      io.github.stubtail.v1.WatchResponse> getWatchMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Watch",
      requestType = io.github.stubtail.v1.WatchRequest.class,
      responseType = io.github.stubtail.v1.WatchResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<io.github.stubtail.v1.WatchRequest,
      io.github.stubtail.v1.WatchResponse> getWatchMethod() {
    io.grpc.MethodDescriptor<io.github.stubtail.v1.WatchRequest, io.github.stubtail.v1.WatchResponse> getWatchMethod;
    if ((getWatchMethod = AnomalyServiceGrpc.getWatchMethod) == null) {
      synchronized (AnomalyServiceGrpc.class) {
        if ((getWatchMethod = AnomalyServiceGrpc.getWatchMethod) == null) {
          AnomalyServiceGrpc.getWatchMethod = getWatchMethod =
              io.grpc.MethodDescriptor.<io.github.stubtail.v1.WatchRequest, io.github.stubtail.v1.WatchResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Watch"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.stubtail.v1.WatchRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.stubtail.v1.WatchResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AnomalyServiceMethodDescriptorSupplier("Watch"))
              .build();
        }
      }
    }
    return getWatchMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static AnomalyServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AnomalyServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AnomalyServiceStub>() {
        @java.lang.Override
        public AnomalyServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AnomalyServiceStub(channel, callOptions);
        }
      };
    return AnomalyServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static AnomalyServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AnomalyServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AnomalyServiceBlockingV2Stub>() {
        @java.lang.Override
        public AnomalyServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AnomalyServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return AnomalyServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static AnomalyServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AnomalyServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AnomalyServiceBlockingStub>() {
        @java.lang.Override
        public AnomalyServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AnomalyServiceBlockingStub(channel, callOptions);
        }
      };
    return AnomalyServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static AnomalyServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AnomalyServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AnomalyServiceFutureStub>() {
        @java.lang.Override
        public AnomalyServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AnomalyServiceFutureStub(channel, callOptions);
        }
      };
    return AnomalyServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Tells what is unusual, how sure that is, and what was expected instead. Every error carries
   * google.rpc.ErrorInfo with an ErrorReason.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Rows against a model of kind "anomaly", or series against themselves, without any training.
     * The call's gRPC deadline is kept: what cannot be answered in time is refused at once.
     * </pre>
     */
    default void detect(io.github.stubtail.v1.DetectRequest request,
        io.grpc.stub.StreamObserver<io.github.stubtail.v1.DetectResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDetectMethod(), responseObserver);
    }

    /**
     * <pre>
     * Points of many keys in as they happen, verdicts out. Each WatchPoints is answered by one
     * WatchVerdicts, in order. What is known of the keys belongs to the stream and ends with it;
     * who wants to go on later exports it, and sends it into the next stream, on whichever server.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<io.github.stubtail.v1.WatchRequest> watch(
        io.grpc.stub.StreamObserver<io.github.stubtail.v1.WatchResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getWatchMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service AnomalyService.
   * <pre>
   * Tells what is unusual, how sure that is, and what was expected instead. Every error carries
   * google.rpc.ErrorInfo with an ErrorReason.
   * </pre>
   */
  public static abstract class AnomalyServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return AnomalyServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service AnomalyService.
   * <pre>
   * Tells what is unusual, how sure that is, and what was expected instead. Every error carries
   * google.rpc.ErrorInfo with an ErrorReason.
   * </pre>
   */
  public static final class AnomalyServiceStub
      extends io.grpc.stub.AbstractAsyncStub<AnomalyServiceStub> {
    private AnomalyServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AnomalyServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AnomalyServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Rows against a model of kind "anomaly", or series against themselves, without any training.
     * The call's gRPC deadline is kept: what cannot be answered in time is refused at once.
     * </pre>
     */
    public void detect(io.github.stubtail.v1.DetectRequest request,
        io.grpc.stub.StreamObserver<io.github.stubtail.v1.DetectResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDetectMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Points of many keys in as they happen, verdicts out. Each WatchPoints is answered by one
     * WatchVerdicts, in order. What is known of the keys belongs to the stream and ends with it;
     * who wants to go on later exports it, and sends it into the next stream, on whichever server.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<io.github.stubtail.v1.WatchRequest> watch(
        io.grpc.stub.StreamObserver<io.github.stubtail.v1.WatchResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getWatchMethod(), getCallOptions()), responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service AnomalyService.
   * <pre>
   * Tells what is unusual, how sure that is, and what was expected instead. Every error carries
   * google.rpc.ErrorInfo with an ErrorReason.
   * </pre>
   */
  public static final class AnomalyServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<AnomalyServiceBlockingV2Stub> {
    private AnomalyServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AnomalyServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AnomalyServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Rows against a model of kind "anomaly", or series against themselves, without any training.
     * The call's gRPC deadline is kept: what cannot be answered in time is refused at once.
     * </pre>
     */
    public io.github.stubtail.v1.DetectResponse detect(io.github.stubtail.v1.DetectRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDetectMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Points of many keys in as they happen, verdicts out. Each WatchPoints is answered by one
     * WatchVerdicts, in order. What is known of the keys belongs to the stream and ends with it;
     * who wants to go on later exports it, and sends it into the next stream, on whichever server.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<io.github.stubtail.v1.WatchRequest, io.github.stubtail.v1.WatchResponse>
        watch() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getWatchMethod(), getCallOptions());
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service AnomalyService.
   * <pre>
   * Tells what is unusual, how sure that is, and what was expected instead. Every error carries
   * google.rpc.ErrorInfo with an ErrorReason.
   * </pre>
   */
  public static final class AnomalyServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<AnomalyServiceBlockingStub> {
    private AnomalyServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AnomalyServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AnomalyServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Rows against a model of kind "anomaly", or series against themselves, without any training.
     * The call's gRPC deadline is kept: what cannot be answered in time is refused at once.
     * </pre>
     */
    public io.github.stubtail.v1.DetectResponse detect(io.github.stubtail.v1.DetectRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDetectMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service AnomalyService.
   * <pre>
   * Tells what is unusual, how sure that is, and what was expected instead. Every error carries
   * google.rpc.ErrorInfo with an ErrorReason.
   * </pre>
   */
  public static final class AnomalyServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<AnomalyServiceFutureStub> {
    private AnomalyServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AnomalyServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AnomalyServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Rows against a model of kind "anomaly", or series against themselves, without any training.
     * The call's gRPC deadline is kept: what cannot be answered in time is refused at once.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.stubtail.v1.DetectResponse> detect(
        io.github.stubtail.v1.DetectRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDetectMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_DETECT = 0;
  private static final int METHODID_WATCH = 1;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_DETECT:
          serviceImpl.detect((io.github.stubtail.v1.DetectRequest) request,
              (io.grpc.stub.StreamObserver<io.github.stubtail.v1.DetectResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_WATCH:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.watch(
              (io.grpc.stub.StreamObserver<io.github.stubtail.v1.WatchResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getDetectMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.stubtail.v1.DetectRequest,
              io.github.stubtail.v1.DetectResponse>(
                service, METHODID_DETECT)))
        .addMethod(
          getWatchMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              io.github.stubtail.v1.WatchRequest,
              io.github.stubtail.v1.WatchResponse>(
                service, METHODID_WATCH)))
        .build();
  }

  private static abstract class AnomalyServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    AnomalyServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.stubtail.v1.AnomalyOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("AnomalyService");
    }
  }

  private static final class AnomalyServiceFileDescriptorSupplier
      extends AnomalyServiceBaseDescriptorSupplier {
    AnomalyServiceFileDescriptorSupplier() {}
  }

  private static final class AnomalyServiceMethodDescriptorSupplier
      extends AnomalyServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    AnomalyServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (AnomalyServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new AnomalyServiceFileDescriptorSupplier())
              .addMethod(getDetectMethod())
              .addMethod(getWatchMethod())
              .build();
        }
      }
    }
    return result;
  }
}
